package iptables

import (
	"time"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// plans are the situations that the goldens show and that the kernel has to get from any to any other.
func plans() []testPlan {
	return append(simplePlans(), append(rulePlans(), stickyPlans()...)...)
}

func simplePlans() []testPlan {
	all := []plan.Rule{{Name: "all", Policy: "balanced"}}
	return []testPlan{
		{name: "nothing", marking: marking(ipv4(nil, nil), ipv6(nil, nil))},
		{name: "one-family", marking: marking(ipv4(balanced(share("wan", 1, 1)), all))},
		{name: "balanced", marking: marking(
			ipv4(balanced(share("wan", 1, 3), share("wanb", 3, 2)), all),
			ipv6(balanced(share("wan6", 2, 3), share("wanb6", 4, 7)), all)), sets: networks()},
		{name: "one-offline", marking: marking(
			ipv4(balanced(share("wanb", 3, 2)), all),
			ipv6(balanced(share("wanb6", 4, 7)), all)), sets: networks()[:2]},
		{name: "all-offline", marking: marking(ipv4([]plan.Policy{
			{Name: "balanced", Out: []plan.Inbound{inbound("wan", 1, "wan0"), inbound("wanb", 3, "wan1")},
				LastResort: config.Blackhole},
			{Name: "soft", LastResort: config.Default},
			{Name: "ghost", Undefined: true},
		}, all), ipv6(balanced(), all))},
		{name: "other-mask", marking: otherMask()},
		{name: "long-names", marking: longNames()},
	}
}

func networks() []plan.Set {
	return []plan.Set{
		{Kind: plan.Connected, Family: network.IPv4, Prefixes: prefixes("10.1.0.0/24", "10.1.0.2/32", "127.0.0.0/8", "224.0.0.0/3")},
		{Kind: plan.Custom, Family: network.IPv4, Prefixes: prefixes("203.0.113.0/24")},
		{Kind: plan.Connected, Family: network.IPv6, Prefixes: prefixes("2001:db8::/64", "fe80::/64")},
		{Kind: plan.Dynamic, Family: network.IPv6},
	}
}

// otherMask uses the bits of upstream's first default and levels that print differently.
func otherMask() plan.Marking {
	m := config.Mask(0xff0000)
	wan := plan.Mark{Interface: "wan", Value: m.Mark(1)}
	return plan.Marking{Mask: m, LogLevel: "warning", Families: []plan.FamilyMarking{{
		Family:   network.IPv4,
		Marks:    []plan.Mark{wan},
		Inbound:  []plan.Inbound{{Mark: wan, Device: "pppoe-wan"}},
		Policies: []plan.Policy{{Name: "wan_only", Shares: []plan.Share{{Mark: wan, Weight: 1}}}},
		Rules:    []plan.Rule{{Name: "all", Log: true, Policy: "wan_only"}},
	}}}
}

func longNames() plan.Marking {
	fm := plan.FamilyMarking{
		Family:  network.IPv4,
		Inbound: []plan.Inbound{inbound("an_interface_with_a_name", 1, "wan0"), inbound("an_interface_with_another", 2, "wan1")},
		Policies: []plan.Policy{
			{Name: "policy_with_a_long_name", Shares: []plan.Share{share("an_interface_with_a_name", 1, 1)}},
			{Name: "policy_with_a_long_name_too", LastResort: config.Default},
			{Name: `not "a\' name`, Undefined: true},
		},
		Rules: []plan.Rule{
			{Name: "rule_that_has_a_long_name_and_logs", Log: true, Policy: "policy_with_a_long_name_too"},
			{Name: "sticky_rule_with_a_long_name", Policy: "policy_with_a_long_name",
				Sticky: sticky(time.Minute, usable("an_interface_with_a_name", 1))},
			{Name: "odd", Policy: `not "a\' name`},
		},
	}
	return marking(fm)
}

func rulePlans() []testPlan {
	shares := balanced(share("wan", 1, 1), share("wanb", 3, 1))
	six := balanced(share("wan6", 2, 1))
	return []testPlan{
		{name: "addresses", marking: marking(ipv4(shares, addressRules4()), ipv6(six, addressRules6()))},
		{name: "ports", marking: marking(ipv4(shares, portRules()), ipv6(six, portRules()))},
		{name: "specials", marking: marking(ipv4(shares, specialRules()), ipv6(six, specialRules()))},
	}
}

func addressRules4() []plan.Rule {
	not := func(list ...string) config.Addresses { return config.Addresses{Not: true, Prefixes: prefixes(list...)} }
	return []plan.Rule{
		{Name: "lists", Src: addresses("192.168.1.0/24", "192.168.2.7/32"), Dst: addresses("198.51.100.0/24", "203.0.113.9/32"),
			Policy: "balanced"},
		{Name: "logged", Src: addresses("192.168.1.0/24", "192.168.2.7/32"), Log: true, Policy: "balanced"},
		{Name: "not_one", Dst: not("198.51.100.0/24"), Policy: "balanced"},
		{Name: "not_two", Src: not("0.0.0.0/1", "192.0.0.0/2"), Policy: "balanced"},
		{Name: "never", Src: not("0.0.0.0/0"), Policy: "balanced"},
		{Name: "everything", Src: addresses("0.0.0.0/0"), InDevice: "br-lan", Policy: "balanced"},
	}
}

func addressRules6() []plan.Rule {
	return []plan.Rule{
		{Name: "lists", Src: addresses("2001:db8:1::/64"), Dst: addresses("2001:db8:2::/64", "2001:db8::1/128"), Policy: "balanced"},
		{Name: "everything", Dst: addresses("::/0"), Policy: "balanced"},
	}
}

func portRules() []plan.Rule {
	var many []config.Ports
	for port := uint16(1); port <= 16; port++ {
		many = append(many, config.Ports{First: 100 * port, Last: 100 * port})
	}
	ranges := []config.Ports{{First: 1, Last: 5}, {First: 7, Last: 7}}
	for port := uint16(20); port < 90; port += 10 {
		ranges = append(ranges, config.Ports{First: port, Last: port + 3})
	}
	return []plan.Rule{
		{Name: "https", Proto: config.ProtoTCP, DstPorts: []config.Ports{{First: 443, Last: 443}}, Policy: "balanced"},
		{Name: "both", Proto: config.ProtoUDP, SrcPorts: []config.Ports{{First: 500, Last: 500}},
			DstPorts: []config.Ports{{First: 53, Last: 53}, {First: 1000, Last: 2000}}, Policy: "balanced"},
		{Name: "many", Proto: config.ProtoTCP, SrcPorts: many, Policy: "balanced"},
		{Name: "ranges", Proto: config.ProtoTCP, DstPorts: ranges, Policy: "balanced"},
	}
}

func specialRules() []plan.Rule {
	return []plan.Rule{
		{Name: "r_def", Proto: 50, Special: config.Default},
		{Name: "r_unr", Proto: 132, Special: config.Unreachable},
		{Name: "r_bh", Proto: 253, Special: config.Blackhole},
		{Name: "r_log", Proto: config.ProtoUDP, Log: true, Policy: "balanced"},
	}
}

func stickyPlans() []testPlan {
	both := func(timeout time.Duration) []plan.Rule {
		return []plan.Rule{{Name: "https", Proto: config.ProtoTCP, Policy: "balanced",
			Sticky: sticky(timeout, usable("wanb", 3), usable("wan", 1))}}
	}
	six := []plan.Rule{{Name: "https", Policy: "balanced", Sticky: sticky(time.Minute, usable("wan6", 2))}}
	one := []plan.Rule{{Name: "https", Proto: config.ProtoTCP, Policy: "balanced",
		Sticky: sticky(10*time.Minute, unusable("wanb", 3), usable("wan", 1))}}
	shares := balanced(share("wan", 1, 1), share("wanb", 3, 1))
	return []testPlan{
		{name: "sticky", marking: marking(ipv4(shares, both(10*time.Minute)), ipv6(balanced(share("wan6", 2, 1)), six))},
		{name: "sticky-longer", marking: marking(ipv4(shares, both(time.Hour)))},
		{name: "sticky-one-offline", marking: marking(ipv4(balanced(share("wan", 1, 1)), one))},
	}
}
