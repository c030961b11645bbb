package nft

import (
	"fmt"
	"net/netip"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// listRules writes the user's rules of a family as `mwan3 rules` shows them: the lines of `iptables -L mwan3_rules -n -v`
// without their header and without what follows the user's own matches, with "- " before a policy and "S " before
// a sticky rule (contracts 4). A rule with several addresses is one line here, with the addresses separated by commas, where
// iptables has one rule for each.
func listRules(f network.Family, rules []plan.Rule, counters []counter) []string {
	var lines []string
	for _, r := range rules {
		if r.Log {
			lines = append(lines, listRule(f, r, padded("LOG"), counterOf(counters, r.Name, true)))
		}
		lines = append(lines, listRule(f, r, listTarget(r), counterOf(counters, r.Name, false)))
	}
	return lines
}

// counterOf returns the counter of the rule; one that the kernel does not have counts nothing.
func counterOf(counters []counter, rule string, log bool) counter {
	for _, c := range counters {
		if c.Rule == word(rule) && c.Log == log {
			return c
		}
	}
	return counter{}
}

// listRule has the columns of iptables: packets, bytes, target, protocol, options, devices, addresses, matches.
func listRule(f network.Family, r plan.Rule, target string, c counter) string {
	proto := r.Proto
	if f == network.IPv6 && proto == config.ProtoICMP {
		proto = config.ProtoICMPv6
	}
	in := r.InDevice
	if in == "" {
		in = "*"
	}
	return fmt.Sprintf("%5s %5s %s  %-4d --  %-6s %-6s %s %s  %s", abbreviated(c.Packets), abbreviated(c.Bytes),
		target, proto, in, "*", listAddresses(f, r.Src), listAddresses(f, r.Dst), listMatches(r))
}

// listTarget is padded like iptables pads the name of the chain, before upstream shortens it.
func listTarget(r plan.Rule) string {
	switch {
	case r.Policy == "":
		return padded("MARK")
	case r.Sticky != nil:
		return "S " + r.Name
	}
	return "- " + r.Policy
}

func padded(target string) string { return fmt.Sprintf("%-9s", target) }

// listAddresses is a column of addresses, with the place for the exclamation mark before it.
func listAddresses(f network.Family, a config.Addresses) string {
	words := elements(a.Prefixes, f)
	if len(words) == 0 {
		words = []string{netip.PrefixFrom(unspecified(f), 0).String()}
	}
	not := " "
	if a.Not {
		not = "!"
	}
	return fmt.Sprintf("%s%-19s", not, strings.Join(words, ","))
}

func unspecified(f network.Family) netip.Addr {
	if f == network.IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

func listMatches(r plan.Rule) string {
	text := ""
	if r.Set != "" {
		text += "match-set " + r.Set + " dst "
	}
	if len(r.SrcPorts) > 0 {
		text += "multiport sports " + listPorts(r.SrcPorts) + " "
	}
	if len(r.DstPorts) > 0 {
		text += "multiport dports " + listPorts(r.DstPorts) + " "
	}
	return text
}

func listPorts(ports []config.Ports) string {
	var words []string
	for _, p := range ports {
		words = append(words, span(int(p.First), int(p.Last), ":"))
	}
	return strings.Join(words, ",")
}

// abbreviated writes a number as iptables does: whole up to 99999, then in thousands, millions and so on, rounded,
// while the unit before would need more than four digits.
func abbreviated(n uint64) string {
	if n <= 99999 {
		return fmt.Sprint(n)
	}
	units := "KMGT"
	n = thousandth(n)
	for ; n > 9999 && len(units) > 1; n = thousandth(n) {
		units = units[1:]
	}
	return fmt.Sprint(n) + units[:1]
}

func thousandth(n uint64) uint64 { return n/1000 + n%1000/500 }
