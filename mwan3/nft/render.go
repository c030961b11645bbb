package nft

import (
	"fmt"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// Render returns the whole table as text that nft loads as it is, into a kernel without our table. Load makes the
// same of a kernel that has one.
func Render(m plan.Marking, sets []plan.Set) string {
	return compile(m, sets).text(nil)
}

// compile makes the table of a plan. A set or a policy that a rule needs and the plan lacks is made, empty: one bad
// reference must not keep the rest out of the kernel.
func compile(m plan.Marking, sets []plan.Set) ruleset {
	users := userSets(m, sets)
	r := ruleset{sets: planSets(m, sets, users), chains: baseChains(m)}
	for _, fm := range m.Families {
		f := newFamily(m, fm, users)
		r.sets = append(append(r.sets, f.stickySets()...), f.maps()...)
		r.chains = append(r.chains, f.hook(), f.ifacesIn())
		r.chains = append(r.chains, f.ifaceIns()...)
		r.chains = append(r.chains, f.networks(), f.rules())
		r.chains = append(r.chains, f.stickyRules(nil)...)
		r.chains = append(r.chains, f.policies(nil)...)
		r.chains = append(r.chains, f.toMarks()...)
		r.chains = append(r.chains, f.saves()...)
	}
	r.chains = append(r.chains, specialMarks(m.Mask)...)
	return r
}

// baseChains are the two hooks. The output chain is of type route, so that a packet of the router's own is routed
// again when its mark changes.
func baseChains(m plan.Marking) []chain {
	var rules []string
	for _, fm := range m.Families {
		rules = append(rules, fmt.Sprintf("meta nfproto %s jump %s", fm.Family, hookName(fm.Family)))
	}
	return []chain{{
		title: "where packets come from: others, the router itself",
		name:  prerouting, hook: "type filter hook prerouting priority mangle; policy accept;", rules: rules,
	}, {
		name: output, hook: "type route hook output priority mangle; policy accept;", rules: rules,
	}}
}

// family writes the chains of one family.
type family struct {
	plan.FamilyMarking
	mask     config.Mask
	logLevel string
	address  string                    // "ip" or "ip6", as matches begin
	users    map[string]network.Family // the families of users' sets, by name
	defined  map[string]bool           // the policies that decide something
}

func newFamily(m plan.Marking, fm plan.FamilyMarking, users map[string]network.Family) family {
	f := family{FamilyMarking: fm, mask: m.Mask, logLevel: logLevel(m.LogLevel), address: "ip", users: users,
		defined: map[string]bool{}}
	if fm.Family == network.IPv6 {
		f.address = "ip6"
	}
	for _, p := range fm.Policies {
		f.defined[p.Name] = !p.Undefined
	}
	return f
}

func (f family) name(prefix, name string) string { return named(prefix, name, f.Family) }

// unmarked matches packets that have no mark yet.
func unmarked(mask config.Mask) string { return marked(mask, "==", 0) }

func marked(mask config.Mask, is string, mark uint32) string {
	return fmt.Sprintf("meta mark & %#x %s %#x", uint32(mask), is, mark)
}

// hook is the order in which a packet meets everything (contracts 2.4). IPv6 neighbour discovery must stay on its link.
// The mark is saved before the second look at the networks: a packet to one of them goes by the main table, its
// connection keeps its interface.
func (f family) hook() chain {
	c := chain{title: fmt.Sprintf("%s: the order in which a packet meets the rest", f.Family), name: hookName(f.Family)}
	if f.Family == network.IPv6 {
		c.rules = append(c.rules, "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect } return")
	}
	none, mask := unmarked(f.mask), uint32(f.mask)
	c.rules = append(c.rules,
		fmt.Sprintf("%s ct mark & %#x vmap @%s", none, mask, mapName("restore", f.Family)),
		none+" jump "+ifacesInName(f.Family),
		none+" jump "+networksName(f.Family),
		none+" jump "+rulesName(f.Family),
		fmt.Sprintf("meta mark & %#x vmap @%s", mask, mapName("save", f.Family)),
		marked(f.mask, "!=", f.mask.SpecialMark(config.Default))+" jump "+networksName(f.Family),
	)
	return c
}

// ifacesIn finds the interface by its device.
func (f family) ifacesIn() chain {
	return chain{
		title: fmt.Sprintf("%s: what comes in through an uplink is answered through it, but for what its own networks send", f.Family),
		name:  ifacesInName(f.Family), rules: []string{"iifname vmap @" + mapName("devices", f.Family)},
	}
}

// devices are the entries of the map from devices to interfaces. A device has one interface: the first.
func (f family) devices() []string {
	var entries []string
	seen := map[string]bool{}
	for _, in := range f.Inbound {
		if isDevice(in.Device) && !seen[in.Device] {
			seen[in.Device] = true
			entries = append(entries, fmt.Sprintf(`"%s" : goto %s`, in.Device, f.name(ifaceInPrefix, in.Interface)))
		}
	}
	return entries
}

func (f family) ifaceIns() []chain {
	var chains []chain
	for _, in := range f.Inbound {
		chains = append(chains, chain{
			name:  f.name(ifaceInPrefix, in.Interface),
			rules: append(f.inNetworks("saddr"), "goto "+f.name(toPrefix, in.Interface)),
		})
	}
	return chains
}

// networks is one chain for the three sets, which all say the same, so one answer is enough.
func (f family) networks() chain {
	return chain{
		title: fmt.Sprintf("%s: destinations that need no uplink", f.Family),
		name:  networksName(f.Family), rules: f.inNetworks("daddr"),
	}
}

// inNetworks sends a packet whose address is in one of the three sets to the main table.
func (f family) inNetworks(address string) []string {
	var rules []string
	for _, kind := range []plan.Kind{plan.Custom, plan.Connected, plan.Dynamic} {
		rules = append(rules, fmt.Sprintf("%s %s @%s goto %s", f.address, address, networkSetName(kind, f.Family), specialName(config.Default)))
	}
	return rules
}

// logLevel turns syslog's word into nft's.
func logLevel(l config.LogLevel) string {
	switch l {
	case "error":
		return "err"
	case "warning":
		return "warn"
	case "emerg", "alert", "crit", "info", "debug":
		return string(l)
	}
	return "notice"
}

// leftOut is a comment in a rule's place, for the reader of the text.
func leftOut(what, name, why string) string {
	return "# " + strings.Join([]string{what, word(name), "is left out:", why}, " ")
}
