package nft

import (
	"fmt"
	"slices"
	"strings"
)

// ruleset is a whole table before it becomes text.
type ruleset struct {
	sets   []set
	chains []chain
}

// set is a named set or map.
type set struct {
	title    string // a comment for the reader, before the set
	kind     string // "set" or "map"
	name     string
	key      string // ipv4_addr, mark : verdict, …
	flags    string // sorted, as nft lists them: "interval", "dynamic,timeout", none
	more     string // further properties that an existing set may have or not
	elements []string
	content  content
}

// content says whom the elements belong to.
type content uint8

const (
	others   content = iota // never touched
	replaced                // the plan's, anew with each load
)

// chain is a chain with its rules.
type chain struct {
	title string
	name  string
	hook  string // of base chains, as nft lists it
	rules []string
}

// text writes the table as nft lists it, with comments, but for the sets whose names are in without.
func (r ruleset) text(without map[string]bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %s {\n", table)
	for _, s := range r.sets {
		if !without[s.name] {
			s.write(&b)
		}
	}
	for _, c := range r.chains {
		c.write(&b)
	}
	b.WriteString("}\n")
	return b.String()
}

func (s set) write(b *strings.Builder) {
	writeTitle(b, s.title)
	fmt.Fprintf(b, "\t%s %s {\n\t\ttype %s\n", s.kind, s.name, s.key)
	if s.more != "" {
		fmt.Fprintf(b, "\t\t%s\n", s.more)
	}
	if s.flags != "" {
		fmt.Fprintf(b, "\t\tflags %s\n", s.flags)
	}
	if len(s.elements) > 0 {
		fmt.Fprintf(b, "\t\telements = {\n\t\t\t%s\n\t\t}\n", strings.Join(s.elements, ",\n\t\t\t"))
	}
	b.WriteString("\t}\n")
}

func (c chain) write(b *strings.Builder) {
	writeTitle(b, c.title)
	fmt.Fprintf(b, "\tchain %s {\n", c.name)
	if c.hook != "" {
		fmt.Fprintf(b, "\t\t%s\n", c.hook)
	}
	for _, rule := range c.rules {
		fmt.Fprintf(b, "\t\t%s\n", rule)
	}
	b.WriteString("\t}\n")
}

func writeTitle(b *strings.Builder, title string) {
	if title != "" {
		fmt.Fprintf(b, "\n\t# %s\n", title)
	}
}

// flush writes the command that empties an existing set.
func (s set) flush(b *strings.Builder) { fmt.Fprintf(b, "flush %s %s %s\n", s.kind, table, s.name) }

// refill writes the commands that give an existing set its elements anew.
func (s set) refill(b *strings.Builder) {
	s.flush(b)
	if len(s.elements) > 0 {
		fmt.Fprintf(b, "add element %s %s { %s }\n", table, s.name, strings.Join(s.elements, ", "))
	}
}

// rewrite writes the commands that give an existing chain its rules anew; they fail if it does not exist.
func (c chain) rewrite(b *strings.Builder) {
	fmt.Fprintf(b, "flush chain %s %s\n", table, c.name)
	for _, rule := range c.rules {
		if !strings.HasPrefix(rule, "#") {
			fmt.Fprintf(b, "add rule %s %s %s\n", table, c.name, rule)
		}
	}
}

// oneOf writes a choice of single values: the word itself if there is one only, else an anonymous set. Such a set takes effect
// together with its rule; one of prefixes or ranges does not (Linux 6.18).
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return "{ " + strings.Join(words, ", ") + " }"
}

func sortedNames(set map[string]object) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// leftOut lists what the text only has a comment for.
func (r ruleset) leftOut() []string {
	var notes []string
	for _, c := range r.chains {
		for _, rule := range c.rules {
			if note, ok := strings.CutPrefix(rule, "# "); ok {
				notes = append(notes, note)
			}
		}
	}
	return notes
}
