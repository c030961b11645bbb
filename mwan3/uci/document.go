package uci

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	gouci "github.com/digineo/go-uci"
)

// Bounds for files that nobody wrote by hand; the tree looks sections and options up one after the other.
const (
	maxSections = 4096
	maxOptions  = 256 // in one section
)

// perShelf is how many sections are together in one config of the tree: it looks for a section from the first on, and for
// a new config it asks the file system.
const perShelf = 32

var (
	errNoSection = errors.New("there is no such section: the line is skipped")
	errNoOption  = errors.New("there is no such option: the line is skipped")
	errTaken     = errors.New("the new name is taken: the line is skipped")
)

// document is a configuration while it is being read. The tree has the values; the document has what the tree
// cannot do: the order of the sections, which a delta can change, their names and types, likewise, and positions.
type document struct {
	tree     gouci.Tree
	sections []*section
	created  int // sections made so far, which numbers anonymous ones
}

// section is a section in the tree, where its name is its number: two sections can have the same name for a while.
type section struct {
	shelf     string // the tree's config that it is in
	key       string
	kind      string
	name      string
	anonymous bool
	pos       Pos
	options   []*option
}

// option is an option in the tree. The tree has a value for each position.
type option struct {
	name string
	list bool
	at   []Pos
}

// newDocument returns an empty document. The tree looks for files when it misses something; below /dev/null there
// cannot be any.
func newDocument() *document { return &document{tree: gouci.NewTree(os.DevNull)} }

// run carries out the commands of a config file.
func (d *document) run(commands []command) ([]Fault, error) {
	var faults []Fault
	var open *section
	for _, c := range commands {
		var err error
		switch c.verb {
		case verbConfig:
			open, err = d.config(c)
		case verbOption:
			err = d.assign(open, c)
		case verbList:
			err = d.appendValue(open, c)
		}
		if len(d.sections) > maxSections {
			return faults, fmt.Errorf("%s: more than %d sections", c.pos.File, maxSections)
		}
		if err != nil {
			faults = append(faults, Fault{c.pos, err.Error()})
		}
	}
	return faults, nil
}

// config opens a section: a new one, or the one that has the name already, which gets the new type.
func (d *document) config(c command) (*section, error) {
	if c.name == "" {
		s := d.add(c.pos, c.value, "")
		s.anonymous = true
		s.name = fmt.Sprintf("cfg%02x%04x", d.created, typeHash(c.value))
		return s, nil
	}
	s := d.find(c.name)
	if s == nil {
		return d.add(c.pos, c.value, c.name), nil
	}
	var err error
	if s.kind != c.value {
		err = fmt.Errorf("section %q is there already, with type %s (%s): its type becomes %s and it keeps the "+
			"options of both; give one of them another name", c.name, s.kind, s.pos, c.value)
		s.kind = c.value
	}
	return s, err
}

// assign carries out `option`. An empty value changes nothing.
func (d *document) assign(s *section, c command) error {
	if c.value == "" {
		return nil
	}
	return d.set(s, c)
}

func (d *document) set(s *section, c command) error {
	o, err := d.option(s, c.name)
	if err != nil {
		return err
	}
	o.list, o.at = false, []Pos{c.pos}
	d.tree.Del(s.shelf, s.key, o.name)
	d.tree.SetType(s.shelf, s.key, o.name, gouci.TypeOption, c.value)
	return nil
}

// appendValue carries out `list`. An option becomes a list that starts with the option's value.
func (d *document) appendValue(s *section, c command) error {
	o, err := d.option(s, c.name)
	if err != nil {
		return err
	}
	values := append(d.values(s, o), c.value)
	if !o.list {
		o.list = true
		d.tree.Del(s.shelf, s.key, o.name)
	}
	o.at = append(o.at, c.pos)
	d.tree.SetType(s.shelf, s.key, o.name, gouci.TypeList, values...)
	return nil
}

func (d *document) values(s *section, o *option) []string {
	values, _ := d.tree.Get(s.shelf, s.key, o.name)
	return values
}

func (d *document) find(name string) *section {
	for _, s := range d.sections {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (d *document) add(pos Pos, kind, name string) *section {
	d.created++
	s := &section{shelf: strconv.Itoa(d.created / perShelf), key: strconv.Itoa(d.created), kind: kind, name: name, pos: pos}
	// It cannot fail: the key is new.
	_ = d.tree.AddSection(s.shelf, s.key, kind)
	d.sections = append(d.sections, s)
	return s
}

func (d *document) remove(s *section) {
	d.tree.DelSection(s.shelf, s.key)
	d.sections = slices.DeleteFunc(d.sections, func(other *section) bool { return other == s })
}

// option returns the option of that name, made if need be.
func (d *document) option(s *section, name string) (*option, error) {
	if o := s.find(name); o != nil {
		return o, nil
	}
	if len(s.options) == maxOptions {
		return nil, fmt.Errorf("a section has at most %d options: the line is skipped", maxOptions)
	}
	o := &option{name: name}
	s.options = append(s.options, o)
	return o, nil
}

func (s *section) find(name string) *option {
	for _, o := range s.options {
		if o.name == name {
			return o
		}
	}
	return nil
}

// result returns the sections in order. Lists that lost all their values are no options.
func (d *document) result() []Section {
	sections := make([]Section, 0, len(d.sections))
	for _, s := range d.sections {
		out := Section{Type: s.kind, Name: s.name, Anonymous: s.anonymous, Pos: s.pos}
		for _, o := range s.options {
			texts := d.values(s, o)
			if len(texts) == 0 {
				continue
			}
			values := make([]Value, len(texts))
			for i, text := range texts {
				values[i] = Value{text, o.at[i]}
			}
			out.Options = append(out.Options, Option{o.name, o.list, values})
		}
		sections = append(sections, out)
	}
	return sections
}

// typeHash is the part of a generated name that depends on the type: Bernstein's hash as libuci has it.
func typeHash(kind string) uint32 {
	hash := uint32(5381)
	for i := 0; i < len(kind); i++ {
		hash = hash*33 + uint32(kind[i])
	}
	return hash & 0xffff
}
