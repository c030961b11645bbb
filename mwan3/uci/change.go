package uci

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	gouci "github.com/digineo/go-uci"
)

// change carries out the changes of a delta file.
func (d *document) change(changes []change) []Fault {
	var faults []Fault
	for _, c := range changes {
		var err error
		s := d.find(c.section)
		switch {
		case c.option == "":
			err = d.changeSection(s, c)
		case s == nil:
			err = errNoSection
		default:
			err = d.changeOption(s, c)
		}
		if err != nil {
			faults = append(faults, Fault{c.pos, err.Error()})
		}
	}
	return faults
}

// changeSection carries out a change that is about the section itself, which is nil if there is none.
func (d *document) changeSection(s *section, c change) error {
	if c.op == opSet || c.op == opAdd {
		return d.define(s, c)
	}
	if s == nil {
		return errNoSection
	}
	switch c.op {
	case opRemove:
		d.remove(s)
	case opReorder:
		d.move(s, c.value)
	case opRename:
		if d.find(c.value) != nil {
			return errTaken
		}
		s.name, s.anonymous = c.value, false
	}
	return nil
}

// define makes the section or gives it another type. An empty type removes it.
func (d *document) define(s *section, c change) error {
	if c.value == "" {
		if s != nil {
			d.remove(s)
		}
		return nil
	}
	if s == nil && len(d.sections) == maxSections {
		return fmt.Errorf("there are at most %d sections: the line is skipped", maxSections)
	}
	if s == nil {
		s = d.add(c.pos, c.value, c.section)
	}
	s.kind = c.value
	if c.op == opAdd {
		s.anonymous = true
	}
	return nil
}

// move puts the section at a place counted from 0: the digits that place starts with, none is 0, too high is the end.
func (d *document) move(s *section, place string) {
	place = strings.TrimSpace(place)
	digits := len(place) - len(strings.TrimLeft(place, "0123456789"))
	i, _ := strconv.Atoi(place[:digits])
	d.sections = slices.DeleteFunc(d.sections, func(other *section) bool { return other == s })
	d.sections = slices.Insert(d.sections, min(max(i, 0), len(d.sections)), s)
}

func (d *document) changeOption(s *section, c change) error {
	o := s.find(c.option)
	switch c.op {
	case opSet, opAdd:
		return d.setOption(s, c)
	case opListAdd:
		return d.appendValue(s, command{pos: c.pos, name: c.option, value: c.value})
	case opListDel:
		d.removeValue(s, o, c.value)
		return nil
	case opRemove:
		return d.removeOption(s, c)
	}
	return d.renameOption(s, c)
}

// setOption sets the option; an empty value removes it.
func (d *document) setOption(s *section, c change) error {
	if c.value != "" {
		return d.set(s, command{pos: c.pos, name: c.option, value: c.value})
	}
	if o := s.find(c.option); o != nil {
		d.dropOption(s, o)
	}
	return nil
}

// removeOption removes the option, or of a list only the value whose place, counted from 0, the change names.
func (d *document) removeOption(s *section, c change) error {
	o := s.find(c.option)
	if o == nil {
		return errNoOption
	}
	if !o.list || c.value == "" {
		d.dropOption(s, o)
		return nil
	}
	if i, err := strconv.Atoi(c.value); err == nil && i >= 0 && i < len(o.at) {
		d.keepValues(s, o, func(j int, _ string) bool { return j != i })
	}
	return nil
}

// removeValue removes all equal values of a list.
func (d *document) removeValue(s *section, o *option, value string) {
	if o != nil && o.list {
		d.keepValues(s, o, func(_ int, text string) bool { return text != value })
	}
}

// keepValues keeps those values of a list for which keep says so.
func (d *document) keepValues(s *section, o *option, keep func(int, string) bool) {
	var values []string
	var at []Pos
	for i, text := range d.values(s, o) {
		if keep(i, text) {
			values, at = append(values, text), append(at, o.at[i])
		}
	}
	o.at = at
	d.tree.SetType(s.shelf, s.key, o.name, gouci.TypeList, values...)
}

func (d *document) dropOption(s *section, o *option) {
	d.tree.Del(s.shelf, s.key, o.name)
	s.options = slices.DeleteFunc(s.options, func(other *option) bool { return other == o })
}

func (d *document) renameOption(s *section, c change) error {
	o := s.find(c.option)
	if o == nil {
		return errNoOption
	}
	if s.find(c.value) != nil {
		return errTaken
	}
	values := d.values(s, o)
	d.tree.Del(s.shelf, s.key, o.name)
	o.name = c.value
	d.tree.SetType(s.shelf, s.key, o.name, gouci.TypeOption, values...)
	return nil
}
