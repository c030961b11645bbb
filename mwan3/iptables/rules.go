package iptables

import (
	"fmt"
	"time"

	"mwan3/config"
	"mwan3/ipset"
	"mwan3/plan"
)

// maxLogPrefix is the longest prefix of a log line (struct xt_log_info, less the closing zero).
const maxLogPrefix = 29

// maxTimeout is the longest timeout of a set's entry, in seconds (IPSET_MAX_TIMEOUT: 2^31 milliseconds).
const maxTimeout = (1<<31 - 1) / 1000

// rule writes one user rule: as many rules as its lists need and, for a sticky rule, the chain that they jump to.
func (b *builder) rule(r plan.Rule) {
	b.part = "rule " + r.Name
	target := b.ruleTarget(r)
	if r.Sticky != nil {
		b.sticky(r)
	}
	list := matches(r)
	if r.Log {
		for _, match := range list {
			b.add(rulesChain, join(match, b.unmarked(), comment(r.Name)), b.log(r.Name))
		}
	}
	for _, match := range list {
		b.add(rulesChain, join(match, b.unmarked()), target)
	}
	b.part = ""
}

func (b *builder) ruleTarget(r plan.Rule) string {
	switch {
	case r.Sticky != nil:
		return rulePrefix + b.names.rules[r.Name]
	case r.Policy != "":
		return policyPrefix + b.names.policies[r.Policy]
	}
	return b.setMark(b.mask.SpecialMark(r.Special))
}

// log is the target of a rule's log lines. iptables -S does not print its default level, warning.
func (b *builder) log(rule string) string {
	const head, tail = "MWAN3(", ")"
	rule = rule[:min(len(rule), maxLogPrefix-len(head)-len(tail))]
	level := ""
	if number := syslogLevel(b.logLevel); number != 4 {
		level = fmt.Sprintf("--log-level %d", number)
	}
	return join("LOG --log-prefix", quote(head+rule+tail), level)
}

// syslogLevel returns the number of a level (RFC 5424, section 6.2.1); notice for an unknown one.
func syslogLevel(level config.LogLevel) int {
	levels := [...]config.LogLevel{"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}
	for number, word := range levels {
		if word == level {
			return number
		}
	}
	return 5
}

// sticky writes the chain of a sticky rule: a source goes where it went before, if that can be used now; else the
// policy decides. Then the choice is noted for the rule's timeout and the source's other choices are forgotten.
func (b *builder) sticky(r plan.Rule) {
	short := b.names.rules[r.Name]
	chain := rulePrefix + short
	b.chain(chain)
	if isShortened(short) {
		b.add(chain, comment("rule "+r.Name), "")
	}
	for _, member := range r.Sticky.Members {
		if member.Usable {
			known := matchSet(b.stickySet(member, r), "src")
			b.add(chain, join(b.unmarked(), known), b.setMark(member.Value))
		}
	}
	b.add(chain, b.unmarked(), policyPrefix+b.names.policies[r.Policy])
	if len(r.Sticky.Members) > 0 {
		b.remember(chain, r)
	}
}

// remember notes the member that a packet was given to. What no member got is not noted: a source must not stick
// to "unreachable" because all uplinks were offline for a moment.
func (b *builder) remember(chain string, r plan.Rule) {
	for _, mark := range [...]uint32{0, b.mask.SpecialMark(config.Default),
		b.mask.SpecialMark(config.Unreachable), b.mask.SpecialMark(config.Blackhole)} {
		b.add(chain, b.marked(mark), "RETURN")
	}
	seconds := entryTimeout(r.Sticky.Timeout)
	for _, member := range r.Sticky.Members {
		set := b.stickySet(member, r)
		b.add(chain, b.marked(member.Value), fmt.Sprintf("SET --add-set %s src --exist --timeout %d", set, seconds))
		other := fmt.Sprintf("-m mark ! --mark 0x%x/0x%x", member.Value, uint32(b.mask))
		b.add(chain, other, fmt.Sprintf("SET --del-set %s src", set))
	}
}

// entryTimeout returns a timeout in whole seconds, within what a set can keep.
func entryTimeout(d time.Duration) uint32 {
	return uint32(min(max(int64(d/time.Second), 1), maxTimeout))
}

func (b *builder) stickySet(member plan.StickyMember, r plan.Rule) string {
	return ipset.StickyName(b.family, b.mask.ID(member.Value), b.names.rules[r.Name])
}
