package config

import (
	"cmp"
	"fmt"
	"slices"

	"mwan3/uci"
)

// Load reads and parses a configuration. It returns the lines that cannot be read, then what is wrong with the rest,
// both in file order; the error is that of uci.Load: there is no configuration to be read.
func Load(l uci.Layers) (Config, []Fault, error) {
	sections, skipped, err := uci.Load(l)
	if err != nil {
		return Config{}, nil, err
	}
	faults := make([]Fault, 0, len(skipped))
	for _, s := range skipped {
		faults = append(faults, Fault{Pos: s.Pos, Want: s.Text})
	}
	cfg, more := Parse(sections)
	return cfg, append(faults, more...), nil
}

// Parse turns sections into a configuration. Whatever they say, the configuration is usable: what is wrong is left
// out or has its default, and a fault tells so.
func Parse(sections []uci.Section) (Config, []Fault) {
	p := parser{sections: sections, names: map[string]bool{}, members: map[string]*Member{}}
	p.globals()
	p.each("interface", p.iface)
	p.each("member", p.member)
	p.each("policy", p.policy)
	p.each("rule", p.rule)
	p.strangers()
	return p.cfg, p.sortedFaults()
}

// parser holds the configuration while it grows.
type parser struct {
	sections []uci.Section
	cfg      Config
	faults   []placed
	names    map[string]bool    // "type name" of the sections read
	members  map[string]*Member // by name; nil for those that cannot be used
}

// each reads all sections of a type in file order.
func (p *parser) each(kind string, read func(*reader)) {
	for i, s := range p.sections {
		if s.Type == kind {
			r := p.open(i)
			read(r)
			r.unknownOptions()
		}
	}
}

func (p *parser) open(index int) *reader {
	return &reader{section: p.sections[index], index: index, known: map[string]bool{}, faults: &p.faults}
}

// again tells whether a section of the type had the name before. UCI itself merges sections of one name, unless a
// name that it generated was taken.
func (p *parser) again(r *reader) bool {
	key := r.section.Type + " " + r.section.Name
	seen := p.names[key]
	p.names[key] = true
	if seen {
		r.fault("", "another name: this one is taken; the section is not used")
	}
	return seen
}

// strangers reports the sections that nobody reads.
func (p *parser) strangers() {
	for i, s := range p.sections {
		switch s.Type {
		case "globals", "interface", "member", "policy", "rule":
			continue
		}
		if s.Name != "globals" {
			p.open(i).unknown("", fmt.Sprintf(
				"unknown section type %q: globals, interface, member, policy or rule; it is not read", s.Type))
		}
	}
}

// placed is a fault with the places of its section and its option in the configuration.
type placed struct {
	fault           Fault
	section, option int
}

// sortedFaults returns the faults in the order of the configuration.
func (p *parser) sortedFaults() []Fault {
	slices.SortStableFunc(p.faults, func(a, b placed) int {
		return cmp.Or(a.section-b.section, a.option-b.option)
	})
	var faults []Fault
	for _, f := range p.faults {
		faults = append(faults, f.fault)
	}
	return faults
}
