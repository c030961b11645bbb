package config

import (
	"fmt"
	"time"
)

// maxSetName is the length of the longest set name (IPSET_MAXNAMELEN of linux/netfilter/ipset/ip_set.h, less the NUL).
const maxSetName = 31

// maxStickySeconds is the longest timeout that sets have (IPSET_MAX_TIMEOUT of the kernel's ip_set_timeout.h).
const maxStickySeconds = 2147483

// rule reads a rule section. All its faults are reported, then it is left out if one of them makes it unusable.
func (p *parser) rule(r *reader) {
	rule := Rule{Name: r.section.Name}
	usable := true
	for _, read := range []func(*reader, *Rule) bool{
		readAddresses, readProto, readPorts, readSource, readSet, p.readDestination,
	} {
		usable = read(r, &rule) && usable
	}
	rule.Log = r.one("logging") && p.cfg.Globals.Logging
	if usable && !p.again(r) {
		p.cfg.Rules = append(p.cfg.Rules, rule)
	}
}

// readSource reads the interface on which packets come in: any of netifd's, not only ours.
func readSource(r *reader, rule *Rule) bool {
	rule.SrcIface = r.text("src_iface")
	if rule.SrcIface == "" || isWord(rule.SrcIface, "_.-") {
		return true
	}
	r.fault("src_iface", "the name of an interface in the network configuration; the rule is left out")
	return false
}

func readSet(r *reader, rule *Rule) bool {
	rule.Set = r.text("ipset")
	if rule.Set == "" {
		return true
	}
	if len(rule.Set) > maxSetName || !isWord(rule.Set, "_.-:+@") || rule.Set[0] == '-' {
		r.fault("ipset", fmt.Sprintf("the name of a set: at most %d letters, digits and _ . - : + @; the rule is left out",
			maxSetName))
		return false
	}
	return true
}

// readDestination reads where the rule sends packets. Stickiness is for policies only.
func (p *parser) readDestination(r *reader, rule *Rule) bool {
	name := r.text("use_policy")
	sticky := r.boolean("sticky")
	timeout := r.number("timeout", limits{1, maxStickySeconds, 600})
	switch {
	case name == "":
		r.fault("use_policy", "a policy section, default, unreachable or blackhole; the rule is left out")
		return false
	case isSpecial(name):
		rule.Special = Special(name)
		return true
	case !isWord(name, "_"):
		r.fault("use_policy", "a policy section, default, unreachable or blackhole; the rule is left out")
		return false
	case !p.hasPolicy(name):
		r.fault("use_policy", "a policy section, default, unreachable or blackhole; the rule matches nothing and "+
			"packets go on to the next one")
	}
	rule.Policy, rule.Sticky = name, sticky
	rule.Timeout = time.Duration(timeout) * time.Second
	return true
}

func (p *parser) hasPolicy(name string) bool {
	for _, policy := range p.cfg.Policies {
		if policy.Name == name {
			return true
		}
	}
	return false
}
