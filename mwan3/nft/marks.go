package nft

import (
	"fmt"

	"mwan3/config"
	"mwan3/plan"
)

// mark is a mark in use: an interface's or, without an interface, a special one.
type mark struct {
	iface   string
	special config.Special
	value   uint32
}

// specials are the marks that are no interface's, in the order of their ids.
func specials(mask config.Mask) []mark {
	var marks []mark
	for _, s := range []config.Special{config.Blackhole, config.Unreachable, config.Default} {
		marks = append(marks, mark{special: s, value: mask.SpecialMark(s)})
	}
	return marks
}

// marks are those in use in the family: a value that is in no verdict map belongs to nobody, and a connection that
// still has it is decided anew.
func (f family) marks() []mark {
	var marks []mark
	seen := map[uint32]bool{0: true}
	for _, s := range specials(f.mask) {
		seen[s.value] = true
	}
	for _, m := range f.interfaces() {
		if value := m.Value & uint32(f.mask); !seen[value] {
			seen[value] = true
			marks = append(marks, mark{iface: m.Interface, value: value})
		}
	}
	return append(marks, specials(f.mask)...)
}

// interfaces are those that a chain of the family sends packets to.
func (f family) interfaces() []plan.Mark {
	all := append([]plan.Mark(nil), f.Marks...)
	for _, in := range f.Inbound {
		all = append(all, in.Mark)
	}
	for _, p := range f.Policies {
		for _, share := range p.Shares {
			all = append(all, share.Mark)
		}
	}
	for _, r := range f.Rules {
		for _, member := range members(r) {
			all = append(all, member.Mark)
		}
	}
	seen := map[string]bool{}
	kept := all[:0]
	for _, m := range all {
		if !seen[m.Interface] {
			seen[m.Interface] = true
			kept = append(kept, m)
		}
	}
	return kept
}

// maps are the verdict maps. They have names because their content is then exchanged at one blow: the entries of a map
// inside a rule vanish for packets that are on their way through the old rules when new ones are loaded (seen on Linux 6.18).
func (f family) maps() []set {
	mapping := func(purpose, key string, entries []string) set {
		return set{kind: "map", name: mapName(purpose, f.Family), key: key + " : verdict", content: replaced, elements: entries}
	}
	maps := []set{
		mapping("restore", "mark", f.entries("jump", f.toName, f.marks())),
		mapping("save", "mark", f.entries("jump", f.saveName, append([]mark{{}}, f.marks()...))),
		mapping("devices", "ifname", f.devices()),
	}
	maps[0].title = fmt.Sprintf("%s: connection's mark to packet, packet's mark to connection, device to interface", f.Family)
	return maps
}

// entries are the entries of a verdict map from marks to chains.
func (f family) entries(verb string, chainOf func(mark) string, marks []mark) []string {
	var entries []string
	for _, m := range marks {
		entries = append(entries, fmt.Sprintf("%#x : %s %s", m.value, verb, chainOf(m)))
	}
	return entries
}

// toName is the chain that gives a packet the mark, saveName the one that gives it to the connection.
func (f family) toName(m mark) string {
	if m.special != "" {
		return specialName(m.special)
	}
	return f.name(toPrefix, m.iface)
}

func (f family) saveName(m mark) string {
	switch {
	case m.special != "":
		return ours + "save_" + string(m.special)
	case m.value == 0:
		return ours + "save_none"
	}
	return saveName(m.iface, f.Family)
}

func (f family) toMarks() []chain {
	var chains []chain
	for _, m := range f.interfaces() {
		chains = append(chains, chain{name: f.name(toPrefix, m.Interface), rules: []string{setMark("meta", f.mask, m.Value)}})
	}
	return titled(chains, fmt.Sprintf("%s: give the packet an interface's mark", f.Family))
}

func (f family) saves() []chain {
	var chains []chain
	for _, m := range f.marks() {
		if m.special == "" {
			chains = append(chains, chain{name: f.saveName(m), rules: []string{setMark("ct", f.mask, m.value)}})
		}
	}
	return titled(chains, fmt.Sprintf("%s: give the connection an interface's mark", f.Family))
}

// specialMarks are the chains for the marks that both families have.
func specialMarks(mask config.Mask) []chain {
	var to, save []chain
	for _, m := range specials(mask) {
		to = append(to, chain{name: specialName(m.special), rules: []string{setMark("meta", mask, m.value)}})
		save = append(save, chain{name: family{}.saveName(m), rules: []string{setMark("ct", mask, m.value)}})
	}
	save = append(save, chain{name: family{}.saveName(mark{}), rules: []string{setMark("ct", mask, 0)}})
	return append(titled(to, "give the packet a special mark"), titled(save, "give the connection a special mark, or none")...)
}

// setMark sets our bits of the mark of the packet ("meta") or of the connection ("ct") and leaves the others alone.
func setMark(of string, mask config.Mask, value uint32) string {
	keep, set := ^uint32(mask), value&uint32(mask)
	if set == 0 {
		return fmt.Sprintf("%s mark set %s mark & %#x", of, of, keep)
	}
	return fmt.Sprintf("%s mark set %s mark & %#x | %#x", of, of, keep, set)
}

func titled(chains []chain, title string) []chain {
	if len(chains) > 0 {
		chains[0].title = title
	}
	return chains
}
