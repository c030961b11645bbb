package nft

import (
	"fmt"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// rules are the user's rules, each written as often as its lists need. The first that matches decides, so it leaves the chain with
// goto; a rule whose policy is not defined decides nothing and comes back.
func (f family) rules() chain {
	c := chain{title: fmt.Sprintf("%s: the user's rules", f.Family), name: rulesName(f.Family)}
	for _, r := range f.Rules {
		matches, why := f.matches(r)
		if why != "" {
			c.rules = append(c.rules, leftOut("rule", r.Name, why))
			continue
		}
		name := word(r.Name)
		if r.Log {
			c.rules = append(c.rules, each(matches, fmt.Sprintf(`counter log prefix "MWAN3(%s)" level %s comment "%s"`, name, f.logLevel, name))...)
		}
		c.rules = append(c.rules, each(matches, fmt.Sprintf(`counter %s comment "%s"`, f.target(r), name))...)
	}
	return c
}

// each ends each match with the same statement.
func each(matches []string, statement string) []string {
	return product(matches, []string{statement})
}

// target is where a rule sends its packets.
func (f family) target(r plan.Rule) string {
	if r.Policy == "" {
		return "goto " + specialName(specialOr(r.Special))
	}
	verb, name := "goto ", f.name(policyPrefix, r.Policy)
	if !f.defined[r.Policy] {
		verb = "jump "
	}
	if r.Sticky != nil {
		name = ruleName(r.Name, f.Family)
	}
	return verb + name
}

// specialOr replaces a word that is none of the three as the configuration does.
func specialOr(s config.Special) config.Special {
	if s == config.Blackhole || s == config.Default {
		return s
	}
	return config.Unreachable
}

// matches writes the conditions of a rule, one string for each combination of its lists: sources, then destinations, then
// ports, the order in which iptables writes its rules. A packet that any of them matches is matched by the rule. Or it says
// why nft cannot.
//
// There is no set of prefixes or of ranges inside a rule: Linux 6.18 fills a new one a moment after packets meet
// the new rules, so that a packet can miss them.
func (f family) matches(r plan.Rule) (matches []string, why string) {
	if !f.fits(r.Src) || !f.fits(r.Dst) {
		return nil, "an address of the other family"
	}
	device, set := []string{""}, []string{""}
	if r.InDevice != "" {
		if !isDevice(r.InDevice) {
			return nil, "nft cannot say the name of its device"
		}
		device = []string{fmt.Sprintf(`iifname "%s" `, r.InDevice)}
	}
	if r.Set != "" {
		if f.users[r.Set] != f.Family {
			return nil, "a set of the other family"
		}
		set = []string{fmt.Sprintf("%s daddr @%s ", f.address, userSetName(r.Set))}
	}
	return product(f.addresses("saddr", r.Src), device, f.addresses("daddr", r.Dst), set, protocol(r, f.Family)), ""
}

// product takes one string of each list and joins them, in all combinations; those of the first list change last.
func product(lists ...[]string) []string {
	all := []string{""}
	for _, list := range lists {
		var longer []string
		for _, left := range all {
			for _, right := range list {
				longer = append(longer, left+right)
			}
		}
		all = longer
	}
	return all
}

func (f family) fits(a config.Addresses) bool {
	for _, p := range a.Prefixes {
		if !ofFamily(p, f.Family) {
			return false
		}
	}
	return true
}

// addresses writes one condition for each prefix. An address that is in none of them is one condition, of several parts.
func (f family) addresses(which string, a config.Addresses) []string {
	is := ""
	if a.Not {
		is = "!= "
	}
	var words []string
	for _, p := range a.Prefixes {
		words = append(words, fmt.Sprintf("%s %s %s%s ", f.address, which, is, prefixWord(p.Masked())))
	}
	switch {
	case len(words) == 0:
		return []string{""}
	case a.Not:
		return []string{strings.Join(words, "")}
	}
	return words
}

// protocol writes the conditions on the protocol and its ports; a port implies its protocol.
func protocol(r plan.Rule, f network.Family) []string {
	name := map[config.Proto]string{config.ProtoTCP: "tcp", config.ProtoUDP: "udp"}[r.Proto]
	switch {
	case r.Proto == config.ProtoAll:
		return []string{""}
	case name == "" || len(r.SrcPorts)+len(r.DstPorts) == 0:
		return []string{fmt.Sprintf("meta l4proto %d ", number(r.Proto, f))}
	}
	return product(ports(name+" sport", r.SrcPorts), ports(name+" dport", r.DstPorts))
}

// number is the protocol's number; each family has its own ICMP.
func number(p config.Proto, f network.Family) config.Proto {
	if f == network.IPv6 && p == config.ProtoICMP {
		return config.ProtoICMPv6
	}
	return p
}

// ports writes one condition for all single ports and one for each range.
func ports(which string, list []config.Ports) []string {
	if len(list) == 0 {
		return []string{""}
	}
	var single, words []string
	for _, p := range joined(list) {
		if p.First == p.Last {
			single = append(single, fmt.Sprint(p.First))
			continue
		}
		words = append(words, fmt.Sprintf("%s %d-%d ", which, p.First, p.Last))
	}
	if len(single) > 0 {
		words = append([]string{which + " " + oneOf(single) + " "}, words...)
	}
	return words
}
