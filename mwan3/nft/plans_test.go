package nft

import (
	"fmt"
	"net/netip"
	"time"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// example is a plan with a name: the golden file of that name holds its text.
type example struct {
	name    string
	marking plan.Marking
	sets    []plan.Set
}

const (
	v4 = network.IPv4
	v6 = network.IPv6
)

func wan(id int) plan.Mark {
	return plan.Mark{Interface: fmt.Sprintf("wan%d", id), Value: config.DefaultMask.Mark(id)}
}

func inbound(id int) plan.Inbound {
	return plan.Inbound{Mark: wan(id), Device: fmt.Sprintf("eth%d", id)}
}

func share(id, weight int) plan.Share { return plan.Share{Mark: wan(id), Weight: weight} }

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func addresses(texts ...string) config.Addresses {
	return config.Addresses{Prefixes: prefixes(texts...)}
}

func not(a config.Addresses) config.Addresses {
	a.Not = true
	return a
}

// marking is a marking of one family with two uplinks.
func marking(f network.Family, policies []plan.Policy, rules ...plan.Rule) plan.Marking {
	return plan.Marking{Mask: config.DefaultMask, LogLevel: "notice", Families: []plan.FamilyMarking{{
		Family: f, Marks: []plan.Mark{wan(1), wan(2)}, Inbound: []plan.Inbound{inbound(1), inbound(2)},
		Policies: policies, Rules: rules,
	}}}
}

func balanced(shares ...plan.Share) []plan.Policy {
	return []plan.Policy{{Name: "balanced", Shares: shares}}
}

func sticky(members ...plan.StickyMember) plan.Rule {
	return plan.Rule{Name: "https", Proto: config.ProtoTCP, DstPorts: []config.Ports{{First: 443, Last: 443}},
		Policy: "balanced", Sticky: &plan.Sticky{Timeout: 10 * time.Minute, Members: members}}
}

func usable(id int) plan.StickyMember { return plan.StickyMember{Mark: wan(id), Usable: true} }

func all() plan.Rule { return plan.Rule{Name: "default_rule", Policy: "balanced"} }

func networks() []plan.Set {
	return []plan.Set{
		{Kind: plan.Connected, Family: v4, Prefixes: prefixes("10.1.0.0/24", "10.1.0.2/32", "10.1.0.255/32", "127.0.0.0/8", "127.0.0.1/32", "224.0.0.0/3")},
		{Kind: plan.Custom, Family: v4},
		{Kind: plan.Dynamic, Family: v4},
		{Kind: plan.Connected, Family: v6, Prefixes: prefixes("fe80::/64", "2001:db8:1::/48", "2001:db8:1:2::/64")},
		{Kind: plan.Custom, Family: v6, Prefixes: prefixes("2001:db8:ff::/48")},
		{Kind: plan.Dynamic, Family: v6},
	}
}

// examples are plans that differ from each other in what a change of configuration or of state can change.
func examples() []example {
	list := []example{
		{"nothing", plan.Marking{Mask: config.DefaultMask, Families: []plan.FamilyMarking{{Family: v4}, {Family: v6}}}, nil},
		{"one-share", marking(v4, balanced(share(1, 3)), all()), networks()},
		{"two-shares", marking(v4, balanced(share(1, 3), share(2, 4)), all()), networks()},
		{"ipv6-only", marking(v6, balanced(share(2, 1), share(1, 1)), all(), plan.Rule{Name: "ping", Proto: config.ProtoICMP, Special: config.Default}), networks()},
		{"sticky", marking(v4, balanced(share(1, 3), share(2, 4)), sticky(usable(2), usable(1)), all()), networks()},
		{"sticky-one-offline", marking(v4, balanced(share(2, 4)), sticky(usable(2), plan.StickyMember{Mark: wan(1)}), all()), networks()},
		{"sticky-one-gone", marking(v4, balanced(share(2, 4)), sticky(usable(2)), all()), networks()},
	}
	return append(list, lastResorts(), matches(), userSetExample(true), userSetExample(false), bothFamilies(), oddNames(), otherMask())
}

func lastResorts() example {
	policies := []plan.Policy{
		{Name: "balanced", Out: []plan.Inbound{inbound(1), inbound(2)}, LastResort: config.Unreachable},
		{Name: "hole", LastResort: config.Blackhole},
		{Name: "main", LastResort: config.Default},
		{Name: "unknown", Undefined: true},
	}
	m := marking(v4, policies, plan.Rule{Name: "first", Policy: "unknown"}, plan.Rule{Name: "second", Policy: "nobody_made_it"}, all())
	return example{"last-resort", m, nil}
}

func matches() example {
	ports := []config.Ports{{First: 53, Last: 53}, {First: 1000, Last: 2000}, {First: 1500, Last: 2500}}
	m := marking(v4, balanced(share(1, 1)),
		plan.Rule{Name: "lan", Src: addresses("192.168.1.0/24"), Dst: addresses("203.0.113.7/32"), InDevice: "br-lan", Proto: config.ProtoUDP,
			SrcPorts: []config.Ports{{First: 500, Last: 500}}, DstPorts: ports, Log: true, Policy: "balanced"},
		plan.Rule{Name: "lists", Src: addresses("10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32"), Dst: not(addresses("198.51.100.0/24", "203.0.113.0/24")), Policy: "balanced"},
		plan.Rule{Name: "nobody", Src: not(addresses("0.0.0.0/0")), Special: config.Blackhole},
		plan.Rule{Name: "anybody", Src: addresses("0.0.0.0/0", "192.0.2.1/32"), Proto: 47, Special: config.Unreachable},
		plan.Rule{Name: "wrong", Src: addresses("2001:db8::/32"), Special: config.Default},
		plan.Rule{Name: "ping", Proto: config.ProtoICMP, Log: true, Special: config.Default},
	)
	m.LogLevel = "warning"
	return example{"matches", m, networks()}
}

// userSetExample has users' sets; with other, they are of other kinds than without.
func userSetExample(other bool) example {
	m := marking(v4, balanced(share(1, 1)),
		plan.Rule{Name: "streaming", Set: "tv", Policy: "balanced"},
		plan.Rule{Name: "mirrored", Set: "fw4-list", Special: config.Default},
		plan.Rule{Name: "planless", Set: "new.set", Special: config.Default})
	sets := append(networks(), plan.Set{Kind: plan.User, Name: "tv", Family: v4},
		plan.Set{Kind: plan.User, Name: "fw4-list", Family: v4, Copy: true, Prefixes: prefixes("198.51.100.0/24", "192.0.2.0/25", "192.0.2.128/25")})
	if !other {
		return example{"user-sets", m, sets}
	}
	sets[6].Family, sets[7].Prefixes = v6, prefixes("0.0.0.0/0", "192.0.2.0/24")
	return example{"user-sets-changed", m, sets}
}

func bothFamilies() example {
	m := marking(v4, append(balanced(share(1, 3), share(2, 3)), plan.Policy{Name: "wan_only", Shares: []plan.Share{share(1, 1)}}),
		sticky(usable(2), usable(1)), all())
	six := marking(v6, append(balanced(plan.Share{Mark: plan.Mark{Interface: "wan6", Value: 0x300}, Weight: 2}), plan.Policy{Name: "wan_only", LastResort: config.Unreachable}),
		sticky(plan.StickyMember{Mark: plan.Mark{Interface: "wan6", Value: 0x300}, Usable: true}), all()).Families[0]
	six.Marks = []plan.Mark{{Interface: "wan6", Value: 0x300}}
	six.Inbound = []plan.Inbound{{Mark: six.Marks[0], Device: "eth1"}}
	m.Families = append(m.Families, six)
	return example{"both-families", m, networks()}
}

// oddNames has names that are keywords, numbers, too long, or no names at all.
func oddNames() example {
	long := ""
	for range 40 {
		long += "long"
	}
	named := func(iface string, id int) plan.Mark {
		return plan.Mark{Interface: iface, Value: config.DefaultMask.Mark(id)}
	}
	marks := []plan.Mark{named("default", 1), named("4", 2), named(long, 3), named("none", 4), named("eth0.2", 5)}
	m := plan.Marking{Mask: config.DefaultMask, LogLevel: "nonsense", Families: []plan.FamilyMarking{{
		Family: v4, Marks: marks,
		Inbound: []plan.Inbound{{Mark: marks[0], Device: "eth0.2"}, {Mark: marks[1], Device: "eth0.2"}, {Mark: marks[2], Device: "a\"; drop"}, {Mark: marks[3], Device: "wan@1"}},
		Policies: []plan.Policy{
			{Name: "mark", Shares: []plan.Share{{Mark: marks[0], Weight: 1}, {Mark: marks[1], Weight: 1}, {Mark: marks[2], Weight: 1}, {Mark: marks[0], Weight: 2}}},
			{Name: long, Out: []plan.Inbound{{Mark: marks[3], Device: "x*"}, {Mark: marks[2], Device: "eth0.2"}}},
			{Name: "1st", LastResort: "nonsense"},
		},
		Rules: []plan.Rule{
			{Name: "ct", Policy: "mark", Log: true, InDevice: "$lan", Set: "type", Sticky: &plan.Sticky{Members: []plan.StickyMember{{Mark: marks[2], Usable: true}, {Mark: marks[1]}}}},
			{Name: long, Policy: long, Log: true, Set: long, Sticky: &plan.Sticky{}},
			{Name: "\"\n} drop $x", Policy: "\n}\tdrop", InDevice: "\\", Set: "\"# {"},
			{Name: "\"\n} drop $x", Policy: "\n}\tdrop", Log: true, Set: "\"# {"},
			{Name: "", Special: "nonsense"},
		},
	}}}
	return example{"odd-names", m, nil}
}

func otherMask() example {
	const mask config.Mask = 0x80000805
	mark := plan.Mark{Interface: "wan", Value: mask.Mark(1)}
	return example{"other-mask", plan.Marking{Mask: mask, Families: []plan.FamilyMarking{{
		Family: v4, Marks: []plan.Mark{mark}, Inbound: []plan.Inbound{{Mark: mark, Device: "eth1"}},
		Policies: []plan.Policy{{Name: "balanced", Shares: []plan.Share{{Mark: mark, Weight: 1}}}}, Rules: []plan.Rule{all()},
	}}}, networks()[:3]}
}
