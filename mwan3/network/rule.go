package network

import (
	"fmt"
	"slices"
	"strings"
)

// Action is what an ip rule or a route does with a packet that it matches. The zero value looks up a table
// (rules) or forwards (routes).
type Action uint8

// The actions that the kernel knows, with the numbers of linux/fib_rules.h hidden in package iproute.
const (
	Lookup Action = iota
	Unreachable
	Blackhole
	Prohibit
	OtherAction // goto, nop: never ours
)

// String returns the ip word for the action; Lookup has none of its own.
func (a Action) String() string {
	switch a {
	case Unreachable:
		return "unreachable"
	case Blackhole:
		return "blackhole"
	case Prohibit:
		return "prohibit"
	case OtherAction:
		return "other"
	}
	return "lookup"
}

// Rule is one ip rule. Rules with the same value are the same rule.
type Rule struct {
	Family   Family
	Priority int
	InDevice string // iif; empty = any
	Mark     uint32 // fwmark under Mask; both 0 = any
	Mask     uint32
	Action   Action
	Table    int    // for Lookup
	Other    string // not empty = foreign, it matches or does more than that: all that ip prints after the priority
}

// String prints the rule as `ip rule` does: `2001:	from all fwmark 0x100/0x3f00 lookup 1`.
func (r Rule) String() string {
	if r.Other != "" {
		return fmt.Sprintf("%d:\t%s", uint32(r.Priority), r.Other)
	}
	s := fmt.Sprintf("%d:\tfrom all%s", uint32(r.Priority), MarkString(r.Mark, r.Mask))
	if r.InDevice != "" {
		s += " iif " + r.InDevice
	}
	if r.Action == Lookup {
		return s + " lookup " + TableName(r.Table)
	}
	return s + " " + r.Action.String()
}

// MarkString prints what a rule's mark has to be, with a blank before it, or nothing if it can be any.
func MarkString(mark, mask uint32) string {
	switch {
	case mask == 0 && mark == 0:
		return ""
	case mask == 0xffffffff:
		return fmt.Sprintf(" fwmark %#x", mark)
	case mark == 0:
		return fmt.Sprintf(" fwmark 0/%#x", mask)
	}
	return fmt.Sprintf(" fwmark %#x/%#x", mark, mask)
}

// The kernel's own tables (linux/rtnetlink.h).
const (
	TableDefault = 253
	TableMain    = 254
	TableLocal   = 255
)

// TableName returns the name of one of the kernel's own tables, else the number.
func TableName(id int) string {
	switch id {
	case TableDefault:
		return "default"
	case TableMain:
		return "main"
	case TableLocal:
		return "local"
	}
	return fmt.Sprint(uint32(id))
}

// SortRules orders rules as `ip rule` prints them: by family, then by priority.
func SortRules(rules []Rule) {
	slices.SortStableFunc(rules, func(a, b Rule) int {
		if a.Family != b.Family {
			return int(a.Family) - int(b.Family)
		}
		if a.Priority != b.Priority {
			return a.Priority - b.Priority
		}
		return strings.Compare(a.InDevice, b.InDevice)
	})
}
