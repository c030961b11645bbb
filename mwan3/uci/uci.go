// Package uci reads a configuration in OpenWrt's UCI language as libuci does in its lenient mode: the file, then the
// changes that stand beside it, and a line that makes no sense is skipped while the rest counts.
//
// go-uci's Tree keeps the sections and their values. Its own parser refuses a whole file for one odd line, knows no
// layers and tells no line numbers, so the text is cut into commands here (scan.go, command.go, delta.go), and the
// commands edit the tree (document.go). The tree never sees the disk.
package uci

import "fmt"

// Pos is a line of a file. Line 0 means the file as a whole.
type Pos struct {
	File string
	Line int
}

// String returns file:line.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Section is one section with all that the layers say about it.
type Section struct {
	Type      string
	Name      string // the generated name (cfg0492bd) of an anonymous section
	Anonymous bool
	Options   []Option // in the order in which they first appear
	Pos       Pos      // of the line that made the section
}

// Option returns the section's option of that name.
func (s Section) Option(name string) (Option, bool) {
	for _, option := range s.Options {
		if option.Name == name {
			return option, true
		}
	}
	return Option{}, false
}

// Option is an option or a list. It has at least one value; an option has exactly one, which is not empty.
type Option struct {
	Name   string
	List   bool
	Values []Value
}

// Pos is the line that set the last value.
func (o Option) Pos() Pos { return o.Values[len(o.Values)-1].Pos }

// Value is a value as it was meant, without quotes and escapes. It may hold any byte but NUL.
type Value struct {
	Text string
	Pos  Pos
}

// Fault is a line that libuci skips, too, or reads otherwise than it looks.
type Fault struct {
	Pos  Pos
	Text string
}

// String returns the fault as one line.
func (f Fault) String() string { return f.Pos.String() + ": " + f.Text }
