package iptables

import (
	"fmt"
	"strings"

	"mwan3/config"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/plan"
)

// entry is one rule of the table, as text in the words and the order of iptables -S.
type entry struct {
	chain  string
	match  string // empty = every packet
	target string // with its options; empty = the rule only counts
	part   string // the part of the plan that it stands for, `rule https`; it can be left out. Empty = it cannot
}

func (e entry) String() string { return join("-A "+e.chain, e.match, jump(e.target)) }

func jump(target string) string {
	if target == "" {
		return ""
	}
	return "-j " + target
}

// join puts blanks between the words that are not empty.
func join(words ...string) string {
	kept := words[:0:0]
	for _, word := range words {
		if word != "" {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// ruleset is one family's marking as chains and rules, in the order in which a packet meets them.
type ruleset struct {
	chains  []string
	entries []entry
}

// without returns the ruleset less the rules that stand for a part.
func (r ruleset) without(part string) ruleset {
	kept := ruleset{chains: r.chains}
	for _, e := range r.entries {
		if e.part != part {
			kept.entries = append(kept.entries, e)
		}
	}
	return kept
}

// builder collects the ruleset of one family.
type builder struct {
	mask     config.Mask
	logLevel config.LogLevel
	family   network.Family
	names    names
	part     string // of the entries that are added now
	set      ruleset
}

// build writes the decision of one family as upstream's chains (contracts 2.4).
func build(m plan.Marking, fm plan.FamilyMarking) ruleset {
	b := &builder{mask: m.Mask, logLevel: m.LogLevel, family: fm.Family, names: namesOf(fm)}
	b.hook()
	b.inbound(fm.Inbound)
	for _, kind := range ipset.Kinds() {
		b.base(kind)
	}
	for _, p := range fm.Policies {
		b.policy(p)
	}
	b.chain(rulesChain)
	for _, r := range fm.Rules {
		b.rule(r)
	}
	return b.set
}

func (b *builder) chain(name string) { b.set.chains = append(b.set.chains, name) }

func (b *builder) add(chain, match, target string) {
	b.set.entries = append(b.set.entries, entry{chain, match, target, b.part})
}

// marked matches packets with this mark.
func (b *builder) marked(mark uint32) string {
	return fmt.Sprintf("-m mark --mark 0x%x/0x%x", mark, uint32(b.mask))
}

// unmarked matches packets that nothing has marked yet.
func (b *builder) unmarked() string { return b.marked(0) }

// setMark is the target that gives a packet this mark and leaves the bits outside the mask alone.
func (b *builder) setMark(mark uint32) string {
	return fmt.Sprintf("MARK --set-xmark 0x%x/0x%x", mark, uint32(b.mask))
}

// useMain is the target for packets that main routes.
func (b *builder) useMain() string { return b.setMark(b.mask.SpecialMark(config.Default)) }

func matchSet(name, direction string) string {
	return fmt.Sprintf("-m set --match-set %s %s", quote(name), direction)
}

func comment(text string) string { return "-m comment --comment " + quote(text) }

// hook is the way of every packet. The connection's mark is saved before the second look at the sets, so that
// a packet to a connected network uses main while its connection keeps the uplink.
func (b *builder) hook() {
	b.chain(hookChain)
	if b.family == network.IPv6 {
		b.exemptNeighbours()
	}
	masks := fmt.Sprintf("--nfmask 0x%x --ctmask 0x%[1]x", uint32(b.mask))
	b.add(hookChain, b.unmarked(), "CONNMARK --restore-mark "+masks)
	b.add(hookChain, b.unmarked(), ifacesIn)
	for _, kind := range ipset.Kinds() {
		b.add(hookChain, b.unmarked(), ipset.Name(kind, b.family))
	}
	b.add(hookChain, b.unmarked(), rulesChain)
	b.add(hookChain, "", "CONNMARK --save-mark "+masks)
	main := b.mask.SpecialMark(config.Default)
	notMain := fmt.Sprintf("-m mark ! --mark 0x%x/0x%x", main, uint32(b.mask))
	for _, kind := range ipset.Kinds() {
		b.add(hookChain, notMain, ipset.Name(kind, b.family))
	}
}

// exemptNeighbours leaves router and neighbour discovery alone: ICMPv6 types 133 to 137 (RFC 4861).
func (b *builder) exemptNeighbours() {
	for kind := 133; kind <= 137; kind++ {
		b.add(hookChain, fmt.Sprintf("-p ipv6-icmp -m icmp6 --icmpv6-type %d", kind), "RETURN")
	}
}

// base is the chain of a set of networks that main routes.
func (b *builder) base(kind plan.Kind) {
	name := ipset.Name(kind, b.family)
	b.chain(name)
	b.add(name, matchSet(name, "dst"), b.useMain())
}

// inbound marks what comes in through an uplink, unless its source is one that main routes.
func (b *builder) inbound(list []plan.Inbound) {
	b.chain(ifacesIn)
	for _, in := range list {
		chain := ifacePrefix + b.names.ifaces[in.Interface]
		b.chain(chain)
		b.part = "interface " + in.Interface
		b.add(ifacesIn, b.unmarked(), chain)
		device := "-i " + quote(in.Device)
		for _, kind := range ipset.Kinds() {
			set := matchSet(ipset.Name(kind, b.family), "src")
			b.add(chain, join(device, set, b.unmarked(), comment("default")), b.useMain())
		}
		b.add(chain, join(device, b.unmarked(), comment(in.Interface)), b.setMark(in.Value))
	}
	b.part = ""
}

// policy writes where a policy sends new connections. The rules stand in upstream's order: the last member on top.
func (b *builder) policy(p plan.Policy) {
	short := b.names.policies[p.Name]
	chain := policyPrefix + short
	b.chain(chain)
	if isShortened(short) {
		b.add(chain, comment("policy "+p.Name), "")
	}
	switch {
	case p.Undefined:
	case len(p.Shares) > 0:
		b.shares(chain, p)
	default:
		b.lastResort(chain, p)
	}
}

// shares writes the ladder that splits connections by weight. Each step takes its weight out of the running total
// of itself and all below; the lowest takes what is left, so that the split is exact.
func (b *builder) shares(chain string, p plan.Policy) {
	total := p.Total()
	for i := len(p.Shares) - 1; i >= 0; i-- {
		share, chance := p.Shares[i], ""
		if i > 0 {
			chance = probability(share.Weight, total)
			b.part = fmt.Sprintf("policy %s: member %s", p.Name, share.Interface)
		}
		text := fmt.Sprintf("%s %d %d", share.Interface, share.Weight, total)
		b.add(chain, join(b.unmarked(), chance, comment(text)), b.setMark(share.Value))
		b.part = ""
		total -= share.Weight
	}
}

// probability writes weight/total as the kernel keeps it: in units of 2^-31 (xt_statistic compares 31 random
// bits). Eleven digits, as iptables prints it, are enough to read back the same unit.
func probability(weight, total int) string {
	const unit = 1 << 31
	share := (int64(weight)*unit + int64(total)/2) / int64(total)
	return fmt.Sprintf("-m statistic --mode random --probability %.11f", float64(share)/unit)
}

// lastResort writes a policy that no interface can serve. The router's own packets that are bound to the device of
// an offline member still use it, through main.
func (b *builder) lastResort(chain string, p plan.Policy) {
	for i := len(p.Out) - 1; i >= 0; i-- {
		out := p.Out[i]
		text := fmt.Sprintf("out %s %s", out.Interface, out.Device)
		b.part = fmt.Sprintf("policy %s: member %s", p.Name, out.Interface)
		b.add(chain, join("-o "+quote(out.Device), b.unmarked(), comment(text)), b.useMain())
		b.part = ""
	}
	word := p.LastResort
	if word == "" {
		word = config.Unreachable
	}
	b.add(chain, join(b.unmarked(), comment(string(word))), b.setMark(b.mask.SpecialMark(word)))
}
