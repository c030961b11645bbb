package nft

import (
	"fmt"

	"mwan3/network"
	"mwan3/plan"
)

func keyType(f network.Family) string {
	if f == network.IPv6 {
		return "ipv6_addr"
	}
	return "ipv4_addr"
}

// userSets returns the families of all sets that users' rules can match: the plan's, and those that only a rule names.
func userSets(m plan.Marking, sets []plan.Set) map[string]network.Family {
	users := map[string]network.Family{}
	for _, s := range sets {
		if s.Kind == plan.User {
			users[s.Name] = s.Family
		}
	}
	for _, fm := range m.Families {
		for _, r := range fm.Rules {
			if _, ok := users[r.Set]; !ok && r.Set != "" {
				users[r.Set] = fm.Family
			}
		}
	}
	return users
}

// planSets are the sets of networks: those of the plan, then those that the marking needs besides.
func planSets(m plan.Marking, sets []plan.Set, users map[string]network.Family) []set {
	all := append([]plan.Set(nil), sets...)
	for _, fm := range m.Families {
		for _, kind := range []plan.Kind{plan.Connected, plan.Custom, plan.Dynamic} {
			all = append(all, plan.Set{Kind: kind, Family: fm.Family})
		}
		for _, r := range fm.Rules {
			if r.Set != "" {
				all = append(all, plan.Set{Kind: plan.User, Name: r.Set, Family: users[r.Set]})
			}
		}
	}
	var written []set
	seen := map[string]bool{}
	for _, s := range all {
		if name := setName(s); !seen[name] {
			seen[name] = true
			written = append(written, networkSet(s))
		}
	}
	return written
}

// networkSet writes one set of the plan. Users add to theirs whatever they like, so those merge what overlaps.
func networkSet(s plan.Set) set {
	written := set{
		title: fmt.Sprintf("%s: %s", s.Family, setTitle(s)),
		kind:  "set", name: setName(s), key: keyType(s.Family), flags: "interval",
	}
	if s.Kind == plan.User || s.Kind == plan.Dynamic {
		written.more = "auto-merge"
	}
	if s.Kind == plan.Connected || s.Kind == plan.Custom || s.Copy {
		written.content, written.elements = replaced, elements(s.Prefixes, s.Family)
	}
	return written
}

func setTitle(s plan.Set) string {
	switch {
	case s.Kind == plan.Connected:
		return "networks that main reaches without an uplink"
	case s.Kind == plan.Custom:
		return "networks of the tables of rt_table_lookup"
	case s.Kind == plan.Dynamic:
		return "networks that other programs add"
	case s.Copy:
		return "a copy of a set elsewhere"
	}
	return "a set of the user's"
}
