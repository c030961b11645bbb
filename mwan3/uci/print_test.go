package uci

import (
	"fmt"
	"strings"
)

// printSections writes sections as `uci -n export` does, the names of anonymous sections included.
func printSections(sections []Section) string {
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&b, "\nconfig %s %s\n", quote(s.Type), quote(s.Name))
		for _, o := range s.Options {
			word := "option"
			if o.List {
				word = "list"
			}
			for _, v := range o.Values {
				fmt.Fprintf(&b, "\t%s %s %s\n", word, o.Name, quote(v.Text))
			}
		}
	}
	return b.String()
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
