package plan

import (
	"fmt"
	"net/netip"
	"slices"

	"mwan3/config"
	"mwan3/network"
)

// Sets decides what the sets of networks hold: connected, custom and dynamic for each family, then the sets that
// rules name, where the backend has to keep those.
func (in Inputs) Sets() []Set {
	var sets []Set
	for _, family := range in.Network.Families {
		sets = append(sets,
			Set{Kind: Connected, Family: family, Prefixes: sorted(in.connected(family))},
			Set{Kind: Custom, Family: family, Prefixes: sorted(in.custom(family))},
			Set{Kind: Dynamic, Family: family})
	}
	if !in.Network.OpenSets {
		return sets
	}
	return append(sets, in.userSets()...)
}

// connected lists the networks that the router reaches without choosing an interface. For IPv4: what main forwards
// to, every address and network that any table treats specially (own addresses, broadcasts, unreachables), and
// multicast. For IPv6: what main forwards to. As upstream collects them (contracts 2.5).
func (in Inputs) connected(family network.Family) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, route := range in.Network.Routes {
		forwarded := route.Type == network.Unicast && route.Table == network.TableMain
		special := route.Type != network.Unicast && family == network.IPv4
		if route.Family == family && !route.IsDefault() && (forwarded || special) {
			prefixes = append(prefixes, route.Dst)
		}
	}
	if family == network.IPv4 {
		prefixes = append(prefixes, netip.MustParsePrefix("224.0.0.0/3"))
	}
	return prefixes
}

// custom lists the networks of the tables of rt_table_lookup.
func (in Inputs) custom(family network.Family) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, route := range in.Network.Routes {
		listed := slices.Contains(in.Config.Globals.RTTableLookup, route.Table)
		if listed && route.Family == family && route.Type == network.Unicast && !route.IsDefault() {
			prefixes = append(prefixes, route.Dst)
		}
	}
	return prefixes
}

func sorted(prefixes []netip.Prefix) []netip.Prefix {
	network.SortPrefixes(prefixes)
	return slices.Compact(prefixes)
}

// userSets lists the sets that rules name, in the order of the rules.
func (in Inputs) userSets() []Set {
	var sets []Set
	for _, rule := range in.Config.Rules {
		same := func(s Set) bool { return s.Name == rule.Set }
		family := in.setFamily(rule.Set)
		if rule.Set == "" || slices.ContainsFunc(sets, same) || !in.Network.HasFamily(family) {
			continue
		}
		found, copied := in.Network.Sets[rule.Set]
		if found.Opaque {
			continue
		}
		sets = append(sets, Set{Kind: User, Name: rule.Set, Family: family, Prefixes: sorted(found.Prefixes), Copy: copied})
	}
	return sets
}

// setFamily is the family of the addresses in a set: that of the set where it exists, else IPv6 if only IPv6 rules
// name it, else IPv4.
func (in Inputs) setFamily(name string) network.Family {
	if set, ok := in.Network.Sets[name]; ok {
		return set.Family
	}
	for _, rule := range in.Config.Rules {
		if rule.Set == name && slices.Contains(rule.Families, network.IPv4) {
			return network.IPv4
		}
	}
	return network.IPv6
}

// lacksSet tells whether a rule cannot match its set in a family, and why if that was not to be expected: a rule for
// both families simply does not apply to the one that its set is not of.
func (in Inputs) lacksSet(rule config.Rule, family network.Family) (lacks bool, note string) {
	if rule.Set == "" {
		return false, ""
	}
	set, ok := in.Network.Sets[rule.Set]
	if set.Opaque && in.Network.OpenSets {
		return true, fmt.Sprintf("rule %s: ipset %s holds more than addresses, which nftables cannot copy: rule left out",
			rule.Name, rule.Set)
	}
	if !ok && !in.Network.OpenSets {
		return true, fmt.Sprintf("rule %s: there is no ipset %s: rule left out until there is one", rule.Name, rule.Set)
	}
	if in.setFamily(rule.Set) == family {
		return false, ""
	}
	if len(rule.Families) > 1 {
		return true, ""
	}
	return true, fmt.Sprintf("rule %s: ipset %s has no %s addresses: rule left out", rule.Name, rule.Set, family)
}
