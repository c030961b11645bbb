package plan

import (
	"slices"

	"mwan3/config"
	"mwan3/network"
)

// The first priorities of the three groups of ip rules; the id is added (contracts 2.2).
const (
	priorityIn          = 1000 // what came in through the interface
	priorityMark        = 2000 // what carries the interface's mark
	priorityUnreachable = 3000 // what carries the mark and found nothing in the table
)

// Rules decides which table a mark selects. The two mark rules of an enabled interface stand from start to stop: a
// connection that belongs to an interface which is down gets "unreachable" and never leaves through another one.
func (in Inputs) Rules() []network.Rule {
	var rules []network.Rule
	for _, family := range in.Network.Families {
		for _, i := range in.ifaces() {
			if i.Family == family && i.Enabled {
				rules = append(rules, in.interfaceRules(i)...)
			}
		}
		rules = append(rules, specialRules(family, in.Config.Globals.Mask)...)
	}
	network.SortRules(rules)
	return rules
}

// specialRules refuse or swallow what carries the special marks of a mask. With ten bits and more their priorities are
// above the other groups.
func specialRules(family network.Family, mask config.Mask) []network.Rule {
	rule := func(id int, action network.Action) network.Rule {
		return network.Rule{Family: family, Priority: priorityMark + id, Mark: mask.Mark(id), Mask: uint32(mask), Action: action}
	}
	return []network.Rule{
		rule(mask.BlackholeID(), network.Blackhole),
		rule(mask.UnreachableID(), network.Unreachable),
	}
}

func (in Inputs) interfaceRules(i iface) []network.Rule {
	rules := in.markRules(i.Family, i.ID)
	for _, id := range in.heldBy(i.Name) {
		rules = append(rules, in.markRules(i.Family, id)...)
	}
	if i.up {
		rules = append(rules, network.Rule{Family: i.Family, Priority: priorityIn + i.ID, InDevice: i.device, Table: i.ID})
	}
	return rules
}

// markRules lead the mark of an id to its table, and nowhere else.
func (in Inputs) markRules(family network.Family, id int) []network.Rule {
	mask := in.Config.Globals.Mask
	mark := network.Rule{Family: family, Mark: mask.Mark(id), Mask: uint32(mask)}
	lookup, unreachable := mark, mark
	lookup.Priority, lookup.Table = priorityMark+id, id
	unreachable.Priority, unreachable.Action = priorityUnreachable+id, network.Unreachable
	return []network.Rule{lookup, unreachable}
}

// Owns tells whether an ip rule has exactly the form that mwan3 gives its own, whatever the mask was when it was made.
// Other people's rules between 1000 and 3999 do not have it.
func Owns(rule network.Rule) bool {
	id := rule.Priority % 1000
	switch {
	case rule.Other != "":
		return false
	case isSpecial(rule):
		return true
	case id == 0:
		return false
	}
	marked := rule.InDevice == "" && rule.Mask != 0 && config.Mask(rule.Mask).Mark(id) == rule.Mark && rule.Mark != 0
	switch rule.Priority - id {
	case priorityIn:
		return rule.Action == network.Lookup && rule.Table == id && rule.InDevice != "" && rule.Mask == 0
	case priorityMark:
		return marked && rule.Action == network.Lookup && rule.Table == id
	case priorityUnreachable:
		return marked && rule.Action == network.Unreachable
	}
	return false
}

// isSpecial tells whether a rule is one of the two for the special marks of its mask.
func isSpecial(rule network.Rule) bool {
	return rule.Mark != 0 && rule.Priority > priorityMark &&
		slices.Contains(specialRules(rule.Family, config.Mask(rule.Mask)), rule)
}

// Guards tells whether a rule of ours is the one that keeps a mark from finding another way. It goes last, after the
// table is empty, and so shows which tables are ours as long as they hold anything.
func Guards(rule network.Rule) bool { return rule.Priority > priorityUnreachable && !isSpecial(rule) }

// TableKey names one family's routing table.
type TableKey struct {
	Family network.Family
	ID     int
}

// Key names the table.
func (t Table) Key() TableKey { return TableKey{t.Family, t.ID} }

// KeyOf names the table that a route is in.
func KeyOf(route network.Route) TableKey { return TableKey{route.Family, route.Table} }

// OwnTables lists the tables that mwan3 may empty: those of the enabled interfaces, and those that a rule of ours in
// the kernel stands for.
func (in Inputs) OwnTables() map[TableKey]bool {
	own := map[TableKey]bool{}
	for _, section := range in.Config.Interfaces {
		if section.Enabled {
			own[TableKey{section.Family, section.ID}] = true
		}
	}
	for _, rule := range in.Network.Rules {
		if Owns(rule) && (rule.Table != 0 || Guards(rule)) {
			own[TableKey{rule.Family, rule.Priority % 1000}] = true
		}
	}
	return own
}
