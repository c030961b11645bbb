package ipset

import (
	"errors"
	"net/netip"
	"slices"

	"mwan3/network"
)

// Sets returns the kernel's sets of these names. Those that hold addresses or networks (hash:ip, hash:net), or sets of
// them (list:set), come with their members; others, and those with exceptions (nomatch), are opaque. A list of sets
// of both families counts as one of the family of its first. With an error come the sets that could be read.
func Sets(names []string) (map[string]network.Set, error) {
	sets := map[string]network.Set{}
	var errs []error
	for _, name := range names {
		set, ok, err := resolve(name)
		if ok {
			sets[name] = set
		}
		errs = append(errs, err)
	}
	return sets, errors.Join(errs...)
}

// resolve reads a set; for a list of sets (which cannot nest) it joins them.
func resolve(name string) (network.Set, bool, error) {
	set, ok, err := Read(name)
	if err != nil || !ok {
		return network.Set{}, false, err
	}
	plain := set.kind == hashIP || set.kind == hashNet
	if plain && !set.odd {
		return network.Set{Family: familyFrom(set.family), Prefixes: sorted(set.Members)}, true, nil
	}
	if set.kind != listSet {
		return network.Set{Family: familyFrom(set.family), Opaque: true}, true, nil
	}
	joined := network.Set{}
	for i, part := range set.lists {
		member, ok, err := resolve(part)
		if err != nil || !ok {
			return network.Set{}, false, err
		}
		if i == 0 {
			joined.Family = member.Family
		}
		joined.Opaque = joined.Opaque || member.Opaque
		if member.Family == joined.Family {
			joined.Prefixes = append(joined.Prefixes, member.Prefixes...)
		}
	}
	joined.Prefixes = sorted(joined.Prefixes)
	return joined, true, nil
}

func familyFrom(number uint8) network.Family {
	if number == addressFamily(network.IPv6) {
		return network.IPv6
	}
	return network.IPv4
}

// sorted returns the prefixes in order and once.
func sorted(list []netip.Prefix) []netip.Prefix {
	network.SortPrefixes(list)
	return slices.Compact(list)
}
