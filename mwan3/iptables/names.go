package iptables

import (
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"

	"mwan3/plan"
)

// Everything whose name begins so is ours, upstream's shell version included.
const ours = "mwan3_"

// The chains that each family has, whatever the plan.
const (
	hookChain  = "mwan3_hook"
	ifacesIn   = "mwan3_ifaces_in"
	rulesChain = "mwan3_rules"
	testChain  = "mwan3_test" // holds rules that are tried; nothing jumps to it
)

// The chains that stand for a part of the plan, and how many characters of its name fit: iptables allows 28
// for a chain (XT_EXTENSION_MAXNAMELEN less the closing zero), upstream 15 for rules and policies.
const (
	policyPrefix = "mwan3_policy_"
	policyRoom   = 15
	rulePrefix   = "mwan3_rule_"
	ruleRoom     = 15
	ifacePrefix  = "mwan3_iface_in_"
	ifaceRoom    = 13
)

// names holds the short names of one family's policies, rules and interfaces: the part of the chain name after
// the prefix.
type names struct {
	policies, rules, ifaces map[string]string
}

func namesOf(fm plan.FamilyMarking) names {
	var policies, rules, ifaces []string
	for _, p := range fm.Policies {
		policies = append(policies, p.Name)
	}
	for _, r := range fm.Rules {
		rules = append(rules, r.Name)
	}
	for _, in := range fm.Inbound {
		ifaces = append(ifaces, in.Interface)
	}
	return names{shorten(policies, policyRoom), shorten(rules, ruleRoom), shorten(ifaces, ifaceRoom)}
}

// shorten gives each name a form of at most room characters; different names get different forms.
func shorten(list []string, room int) map[string]string {
	short := map[string]string{}
	taken := map[string]bool{}
	for _, name := range list {
		if _, known := short[name]; known {
			continue
		}
		form := shortName(name, room, "")
		for salt := 1; taken[form]; salt++ {
			form = shortName(name, room, strconv.Itoa(salt))
		}
		short[name], taken[form] = form, true
	}
	return short
}

// shortName returns the name itself if it fits and has only the characters of UCI names, else its first
// characters, a dash and a hash. UCI names have no dash, so that the two forms never meet.
func shortName(name string, room int, salt string) string {
	if len(name) <= room && isPlain(name) {
		return name
	}
	hash := fnv.New32a()
	hash.Write([]byte(name + salt))
	tail := "-" + hex.EncodeToString(hash.Sum(nil))
	head := strings.Map(plainRune, name)
	return head[:min(len(head), room-len(tail))] + tail
}

func isPlain(name string) bool { return name != "" && strings.Map(plainRune, name) == name }

// plainRune keeps the characters of UCI names.
func plainRune(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
		return r
	}
	return -1
}

// isShortened tells whether shortName changed the name, so that a comment has to keep the real one.
func isShortened(form string) bool { return strings.Contains(form, "-") }

// quote writes a word as iptables-restore reads it and iptables -S prints it. It stays on its line.
func quote(word string) string {
	if isPlain(strings.ReplaceAll(word, "-", "_")) {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range word {
		switch {
		case r < ' ' || r == 0x7f:
			r = '?'
		case r == '"' || r == '\\' || r == '\'':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
