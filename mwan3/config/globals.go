package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A mask has room for the three special ids and an interface with 3 bits; with 15, the rule of the highest special id
// (2000 + 2^n-2) would come after the kernel's rule 32766, which looks up main.
const (
	minMaskBits = 3
	maxMaskBits = 14
)

// globals reads the section with the name globals, whatever its type.
func (p *parser) globals() {
	r := &reader{known: map[string]bool{}, faults: &p.faults}
	for i, s := range p.sections {
		switch {
		case s.Name == "globals":
			r = p.open(i)
		case s.Type == "globals":
			p.open(i).fault("", "the section must have the name globals: config globals 'globals'; it is not read")
		}
	}
	p.cfg.Globals = Globals{
		Mask:          r.mask("mmx_mask"),
		RTTableLookup: r.tables("rt_table_lookup", p.countInterfaces()),
		Logging:       r.one("logging"),
		LogLevel:      r.logLevel("loglevel"),
		SourceRouting: r.boolean("source_routing"),
		Backend:       Backend(r.choice("backend", string(Auto), string(NFTables), string(IPTables))),
	}
	r.ignore("local_source", "rtmon_interval", "enabled", "iface_max")
	if r.section.Type == "globals" {
		r.unknownOptions()
	}
}

func (p *parser) countInterfaces() int {
	n := 0
	for _, s := range p.sections {
		if s.Type == "interface" {
			n++
		}
	}
	return n
}

// mask reads an integer as C writes it: 0x3F00, 16128 or 037400.
func (r *reader) mask(name string) Mask {
	text := r.text(name)
	if text == "" {
		return DefaultMask
	}
	n, err := strconv.ParseUint(text, 0, 32)
	mask := Mask(n)
	// Go knows a few forms that C does not: 0b1, 0o17, 1_000.
	if err != nil || strings.ContainsAny(text, "_oO") || strings.HasPrefix(strings.ToLower(text), "0b") ||
		mask.Ones() < minMaskBits || mask.Ones() > maxMaskBits {
		r.fault(name, fmt.Sprintf("a number below 2^32 with %d to %d bits set, such as 0x3F00; using %#x",
			minMaskBits, maxMaskBits, uint32(DefaultMask)))
		return DefaultMask
	}
	return mask
}

// tables reads numbers of routing tables. The first ones are those of our interfaces.
func (r *reader) tables(name string, interfaces int) []int {
	var tables []int
	for _, v := range r.list(name) {
		table, err := strconv.ParseUint(v.Text, 10, 31)
		switch {
		case err != nil || table == 0:
			r.faultIn(name, v, "the number of a routing table, 1 to 2147483647; it is left out")
		case table <= uint64(interfaces):
			r.faultIn(name, v, fmt.Sprintf("a table above %d: the ones up to there belong to the interface sections; "+
				"it is left out", interfaces))
		case !slices.Contains(tables, int(table)):
			tables = append(tables, int(table))
		}
	}
	return tables
}

// logLevel reads a level of syslog. Beside the eight words there are the numbers and short forms of iptables.
func (r *reader) logLevel(name string) LogLevel {
	words := []string{"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}
	short := map[string]string{"panic": "emerg", "err": "error", "warn": "warning"}
	text := strings.ToLower(r.text(name))
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(words) {
		text = words[n]
	}
	text = first(short[text], text, "notice")
	if !slices.Contains(words, text) {
		r.fault(name, fmt.Sprintf("one of %s; using notice", strings.Join(words, ", ")))
		text = "notice"
	}
	return LogLevel(text)
}
