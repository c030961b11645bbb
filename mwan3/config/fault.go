package config

import (
	"strconv"
	"strings"

	"mwan3/uci"
)

// Fault is something wrong in the configuration, and what is done about it.
type Fault struct {
	Pos     uci.Pos
	Section string // name of the section; empty: the line belongs to none
	Option  string // empty: the section as a whole
	Value   string // as written; empty: nothing is written
	Want    string // what would be right, and what is done instead
	Unknown bool   // an option or section that nobody reads: worth a word in a check, not in the log
}

// String returns the fault as one line: file:line: section: option: "value": what would be right.
func (f Fault) String() string {
	parts := []string{f.Pos.String()}
	for _, part := range []string{f.Section, f.Option} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if f.Value != "" {
		parts = append(parts, strconv.Quote(f.Value))
	}
	return strings.Join(append(parts, f.Want), ": ")
}
