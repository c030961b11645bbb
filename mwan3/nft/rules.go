package nft

import (
	"fmt"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// rules are the user's rules. The first that matches decides, so it leaves the chain with goto; a rule whose policy is not
// defined decides nothing and comes back.
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
			c.rules = append(c.rules, fmt.Sprintf(`%scounter log prefix "MWAN3(%s)" level %s comment "%s"`, matches, name, f.logLevel, name))
		}
		c.rules = append(c.rules, fmt.Sprintf(`%scounter %s comment "%s"`, matches, f.target(r), name))
	}
	return c
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

// matches writes the conditions of a rule, each followed by a blank, or says why nft cannot.
func (f family) matches(r plan.Rule) (text, why string) {
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if !f.fits(r.Src) || !f.fits(r.Dst) {
		return "", "an address of the other family"
	}
	if len(r.Src.Prefixes) > 0 {
		add("%s saddr %s", f.address, f.addresses(r.Src))
	}
	if r.InDevice != "" {
		if !isDevice(r.InDevice) {
			return "", "nft cannot say the name of its device"
		}
		add(`iifname "%s"`, r.InDevice)
	}
	if len(r.Dst.Prefixes) > 0 {
		add("%s daddr %s", f.address, f.addresses(r.Dst))
	}
	if r.Set != "" {
		if f.users[r.Set] != f.Family {
			return "", "a set of the other family"
		}
		add("%s daddr @%s", f.address, userSetName(r.Set))
	}
	words = append(words, f.proto(r)...)
	if len(words) == 0 {
		return "", ""
	}
	return strings.Join(words, " ") + " ", ""
}

// proto writes the conditions on the protocol and its ports; a port implies its protocol.
func (f family) proto(r plan.Rule) []string {
	name := map[config.Proto]string{config.ProtoTCP: "tcp", config.ProtoUDP: "udp"}[r.Proto]
	var words []string
	if name != "" && len(r.SrcPorts) > 0 {
		words = append(words, name+" sport "+ports(r.SrcPorts))
	}
	if name != "" && len(r.DstPorts) > 0 {
		words = append(words, name+" dport "+ports(r.DstPorts))
	}
	if len(words) == 0 && r.Proto != config.ProtoAll {
		words = append(words, fmt.Sprintf("meta l4proto %d", f.number(r.Proto)))
	}
	return words
}

// number is the protocol's number; each family has its own ICMP.
func (f family) number(p config.Proto) config.Proto {
	if f.Family == network.IPv6 && p == config.ProtoICMP {
		return config.ProtoICMPv6
	}
	return p
}

func (f family) fits(a config.Addresses) bool {
	for _, p := range a.Prefixes {
		if !ofFamily(p, f.Family) {
			return false
		}
	}
	return true
}

func (f family) addresses(a config.Addresses) string {
	choice := oneOf(elements(a.Prefixes, f.Family))
	if a.Not {
		return "!= " + choice
	}
	return choice
}

func ports(list []config.Ports) string {
	var words []string
	for _, p := range joined(list) {
		words = append(words, span(int(p.First), int(p.Last), "-"))
	}
	return oneOf(words)
}
