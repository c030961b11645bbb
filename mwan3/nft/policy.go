package nft

import (
	"fmt"
	"slices"

	"mwan3/config"
	"mwan3/plan"
)

// policies writes the policies that are wanted (nil = all).
func (f family) policies(wanted map[string]bool) []chain {
	var chains []chain
	for _, p := range f.allPolicies() {
		if wanted == nil || wanted[p.Name] {
			chains = append(chains, chain{name: f.name(policyPrefix, p.Name), rules: f.decide(p)})
		}
	}
	return titled(chains, fmt.Sprintf("%s: where the new connections of a policy go", f.Family))
}

// allPolicies adds the policies that only a rule names.
func (f family) allPolicies() []plan.Policy {
	all := append([]plan.Policy(nil), f.Policies...)
	seen := map[string]bool{"": true}
	for _, p := range all {
		seen[p.Name] = true
	}
	for _, r := range f.Rules {
		if !seen[r.Policy] {
			seen[r.Policy] = true
			all = append(all, plan.Policy{Name: r.Policy, Undefined: true})
		}
	}
	return all
}

// decide writes what a policy says. It always ends in a mark, unless the policy is undefined.
func (f family) decide(p plan.Policy) []string {
	if p.Undefined {
		return nil
	}
	rules := f.shares(p)
	if len(rules) > 0 {
		return rules
	}
	for i := len(p.Out) - 1; i >= 0; i-- {
		out := p.Out[i]
		if !isDevice(out.Device) {
			rules = append(rules, leftOut("interface", out.Interface, "nft cannot say the name of its device"))
			continue
		}
		rules = append(rules, fmt.Sprintf(`oifname "%s" goto %s`, out.Device, specialName(config.Default)))
	}
	return append(rules, "goto "+specialName(specialOr(p.LastResort)))
}

// shares picks one of the shares by weight, at random: each rule takes its part of what those before it have left. The
// last share is the first: upstream shows the member that was added last first.
func (f family) shares(p plan.Policy) []string {
	var rules []string
	left := int64(0) // an int of 32 bits holds the weights, but not their sum
	for _, share := range p.Shares {
		if share.Weight < 1 {
			continue
		}
		rule := "goto " + f.name(toPrefix, share.Interface)
		weight := int64(share.Weight)
		if left += weight; left > weight {
			rule = fmt.Sprintf("numgen random mod %d < %d %s", left, weight, rule)
		}
		rules = append(rules, rule)
	}
	slices.Reverse(rules)
	return rules
}
