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
// a sticky rule (contracts 4). Like there, a rule has a line for each combination of its addresses, and its ports are in
// one line. A rule that has no counters is not in the kernel and has no line.
func listRules(f network.Family, rules []plan.Rule, counters []counter) []string {
	var lines []string
	for _, r := range rules {
		if r.Log {
			lines = append(lines, listRule(f, r, padded("LOG"), countersOf(counters, r.Name, true))...)
		}
		lines = append(lines, listRule(f, r, listTarget(r), countersOf(counters, r.Name, false))...)
	}
	return lines
}

// countersOf returns the counters of the rule, in order.
func countersOf(counters []counter, rule string, log bool) []counter {
	var own []counter
	for _, c := range counters {
		if c.Rule == word(rule) && c.Log == log {
			own = append(own, c)
		}
	}
	return own
}

// listRule has the columns of iptables: packets, bytes, target, protocol, options, devices, addresses, matches. The
// rules for the parts of a list of ports follow each other in the kernel; together they count what the line's rule counts.
func listRule(f network.Family, r plan.Rule, target string, counters []counter) []string {
	if len(counters) == 0 {
		return nil
	}
	in := r.InDevice
	if in == "" {
		in = "*"
	}
	parts := len(protocol(r, f))
	var lines []string
	for _, addresses := range product(listAddresses(f, r.Src), []string{" "}, listAddresses(f, r.Dst)) {
		part := counters[:min(parts, len(counters))]
		counters = counters[len(part):]
		c := sum(part)
		lines = append(lines, fmt.Sprintf("%5s %5s %s  %-4d --  %-6s %-6s %s  %s", abbreviated(c.Packets), abbreviated(c.Bytes),
			target, number(r.Proto, f), in, "*", addresses, listMatches(r)))
	}
	return lines
}

func sum(counters []counter) counter {
	var total counter
	for _, c := range counters {
		total.Packets += c.Packets
		total.Bytes += c.Bytes
	}
	return total
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

// listAddresses is a column of addresses for each line, with the place for the exclamation mark before it. iptables cannot
// exclude several prefixes in one rule; here they are separated by commas.
func listAddresses(f network.Family, a config.Addresses) []string {
	words := make([]string, 0, len(a.Prefixes))
	for _, p := range a.Prefixes {
		words = append(words, prefixWord(p.Masked()))
	}
	not := " "
	switch {
	case len(words) == 0:
		words = []string{netip.PrefixFrom(unspecified(f), 0).String()}
	case a.Not:
		not, words = "!", []string{strings.Join(words, ",")}
	}
	for i, text := range words {
		words[i] = fmt.Sprintf("%s%-19s", not, text)
	}
	return words
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
		text := fmt.Sprint(p.First)
		if p.First != p.Last {
			text = fmt.Sprintf("%d:%d", p.First, p.Last)
		}
		words = append(words, text)
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
