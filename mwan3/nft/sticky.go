package nft

import (
	"fmt"
	"strings"
	"time"

	"mwan3/plan"
)

// stickySize is how many sources a rule remembers for each interface; the kernel allocates as they come.
const stickySize = 65536

func members(r plan.Rule) []plan.StickyMember {
	if r.Sticky == nil {
		return nil
	}
	return r.Sticky.Members
}

// stickySets remember the sources of each sticky rule, one set for each interface, usable or not. The timeout is in the
// rules that fill them: a set with another one could not take the place of the existing set without losing what is in it.
func (f family) stickySets() []set {
	var sets []set
	seen := map[string]bool{}
	for _, r := range f.Rules {
		for _, member := range members(r) {
			name := stickyName(r.Name, member.Interface, f.Family)
			if !seen[name] {
				seen[name] = true
				sets = append(sets, set{kind: "set", name: name, key: keyType(f.Family), flags: "dynamic,timeout", more: fmt.Sprintf("size %d", stickySize)})
			}
		}
	}
	if len(sets) > 0 {
		sets[0].title = fmt.Sprintf("%s: the sources that sticky rules have sent to an interface", f.Family)
	}
	return sets
}

// stickyRules writes the chains of the sticky rules whose policy is wanted (nil = all).
func (f family) stickyRules(wanted map[string]bool) []chain {
	var chains []chain
	for _, r := range f.Rules {
		if r.Sticky != nil && r.Policy != "" && (wanted == nil || wanted[r.Policy]) {
			chains = append(chains, chain{name: ruleName(r.Name, f.Family), rules: f.stick(r)})
		}
	}
	return titled(chains, fmt.Sprintf("%s: sticky rules", f.Family))
}

// stick asks the sets of the usable interfaces in order, then the policy, and notes the answer: the source is in the set
// of the interface it goes to, with a new timeout, and in no other. A special mark is not noted and makes nothing
// forgotten.
func (f family) stick(r plan.Rule) []string {
	var rules []string
	guard := ""
	for _, member := range members(r) {
		if member.Usable {
			rules = append(rules, fmt.Sprintf("%s%s saddr @%s jump %s", guard, f.address, stickyName(r.Name, member.Interface, f.Family), f.name(toPrefix, member.Interface)))
			guard = unmarked(f.mask) + " "
		}
	}
	rules = append(rules, guard+"jump "+f.name(policyPrefix, r.Policy))
	if len(members(r)) == 0 {
		return rules
	}
	rules = append(rules, f.noInterface()+" return")
	for _, member := range members(r) {
		entry := fmt.Sprintf("@%s { %s saddr", stickyName(r.Name, member.Interface, f.Family), f.address)
		value := member.Value & uint32(f.mask)
		rules = append(rules,
			fmt.Sprintf("%s update %s timeout %ds }", marked(f.mask, "==", value), entry, seconds(r.Sticky.Timeout)),
			fmt.Sprintf("%s delete %s }", marked(f.mask, "!=", value), entry))
	}
	return rules
}

// noInterface matches packets with a special mark or none.
func (f family) noInterface() string {
	words := []string{"0x0"}
	for _, s := range specials(f.mask) {
		words = append(words, fmt.Sprintf("%#x", s.value))
	}
	return fmt.Sprintf("meta mark & %#x { %s }", uint32(f.mask), strings.Join(words, ", "))
}

// seconds rounds up to a whole number of at least one: nft takes no zero.
func seconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}
