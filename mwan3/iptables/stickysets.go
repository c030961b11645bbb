package iptables

import (
	"mwan3/ipset"
	"mwan3/plan"
)

// stickySets are the sets of the sticky rules of the marking, with the timeout that new entries get when nobody
// names one. A set that exists keeps its timeout: our rules name it with each entry.
func stickySets(m plan.Marking) map[string]ipset.Sticky {
	wanted := map[string]ipset.Sticky{}
	for _, fm := range m.Families {
		short := namesOf(fm).rules
		for _, r := range fm.Rules {
			if r.Sticky == nil {
				continue
			}
			options := ipset.Sticky{Family: fm.Family, Timeout: entryTimeout(r.Sticky.Timeout)}
			for _, member := range r.Sticky.Members {
				wanted[ipset.StickyName(fm.Family, m.Mask.ID(member.Value), short[r.Name])] = options
			}
		}
	}
	return wanted
}
