package iptables

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mwan3/config"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/plan"
)

// Policies reads the policies back from the kernel, in the order of their names. A family that is not marked has none.
func (b *Backend) Policies() (map[network.Family][]plan.PolicyView, error) {
	policies := map[network.Family][]plan.PolicyView{}
	for _, t := range b.tools {
		now, err := t.list()
		if err != nil {
			return nil, err
		}
		policies[t.family] = now.policies()
	}
	return policies, nil
}

func (now table) policies() []plan.PolicyView {
	var list []plan.PolicyView
	for _, chain := range now.chains {
		if strings.HasPrefix(chain, policyPrefix) {
			list = append(list, now.policy(chain))
		}
	}
	slices.SortStableFunc(list, plan.PolicyView.Compare)
	return list
}

func (now table) policy(chain string) plan.PolicyView {
	status := plan.PolicyView{Name: now.realName(chain)}
	total := 0
	for _, rule := range now.rules[chain] {
		text, _ := optionOf(rule, "--comment")
		if share, sum, ok := parseShare(text); ok && !isOutRule(rule) {
			total = max(total, sum) // the first rule has the whole total
			status.Members = append(status.Members, share)
		} else if isSpecial(text) {
			status.LastResort = text
		}
	}
	if len(status.Members) > 0 {
		status.LastResort = ""
	}
	for i := range status.Members {
		status.Members[i].Percent = status.Members[i].Percent * 100 / total
	}
	return status
}

// parseShare reads the comment `<interface> <weight> <running total>`. Percent holds the weight.
func parseShare(text string) (share plan.MemberView, total int, ok bool) {
	words := strings.Fields(text)
	if len(words) != 3 {
		return plan.MemberView{}, 0, false
	}
	weight, err := strconv.Atoi(words[1])
	total, err2 := strconv.Atoi(words[2])
	if err != nil || err2 != nil || weight < 1 || total < weight || weight > maxWeight {
		return plan.MemberView{}, 0, false
	}
	return plan.MemberView{Interface: words[0], Percent: weight}, total, true
}

// maxWeight keeps a hundred times a foreign weight within an int of 32 bits.
const maxWeight = 1 << 24

func isOutRule(rule string) bool {
	_, found := optionOf(rule, "-o")
	return found
}

func isSpecial(text string) bool {
	switch config.Special(text) {
	case config.Unreachable, config.Blackhole, config.Default:
		return true
	}
	return false
}

// realName returns the name of the policy or rule that a chain stands for. A short form keeps it in the comment of
// the chain's first rule, after the word policy or rule.
func (now table) realName(chain string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(chain, policyPrefix), rulePrefix)
	if isShortened(name) && len(now.rules[chain]) > 0 {
		text, _ := optionOf(now.rules[chain][0], "--comment")
		if _, after, found := strings.Cut(text, " "); found {
			return after
		}
	}
	return name
}

// Inbound reads back, in the order of the chains, the interfaces whose incoming connections are marked.
func (b *Backend) Inbound(f network.Family) ([]string, error) {
	t, ok := b.tool(f)
	if !ok {
		return nil, nil
	}
	now, err := t.list()
	if err != nil {
		return nil, err
	}
	var list []string
	for _, jump := range now.rules[ifacesIn] {
		rules := now.rules[targetOf(jump)]
		if len(rules) == 0 {
			continue
		}
		if name, ok := optionOf(rules[len(rules)-1], "--comment"); ok {
			list = append(list, name) // the last rule has the interface's mark, and its name
		}
	}
	return list, nil
}

// Connected returns the networks that are reached without an uplink, in the order and the words of `ipset list`.
func (b *Backend) Connected(f network.Family) ([]string, error) {
	set, _, err := ipset.Read(ipset.Name(plan.Connected, f))
	if err != nil {
		return nil, err
	}
	var list []string
	for _, p := range set.Members {
		list = append(list, memberString(p))
	}
	return list, nil
}

func memberString(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// Rules returns the user rules with their counters, as `mwan3 rules` shows them (contracts 4): the lines of
// `iptables -L mwan3_rules -n -v` up to the mark that they all match, `- ` before a policy and `S ` before a
// sticky rule.
func (b *Backend) Rules(part plan.FamilyMarking) ([]string, error) {
	t, ok := b.tool(part.Family)
	if !ok {
		return nil, nil
	}
	text, err := t.run("-t", "mangle", "-L", rulesChain, "-n", "-v")
	if err != nil {
		return nil, err
	}
	lines := ruleLines(text)
	if !slices.ContainsFunc(lines, hasShortened) {
		return lines, nil
	}
	now, err := t.list()
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		lines[i] = now.nameRule(line)
	}
	return lines, nil
}

// ruleLines shapes the tool's lines, of which the first two are headers.
func ruleLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	lines = lines[min(2, len(lines)):]
	for i, line := range lines {
		line, _, _ = strings.Cut(line, "mark match")
		line = strings.Replace(line, policyPrefix, "- ", 1)
		lines[i] = strings.Replace(line, rulePrefix, "S ", 1)
	}
	return lines
}

// hasShortened tells whether a line's target may be a short form: packets, bytes, the mark of the kind, the name.
func hasShortened(line string) bool {
	words := strings.Fields(line)
	return len(words) > 3 && (words[2] == "-" || words[2] == "S") && isShortened(words[3])
}

// nameRule puts the real name in the place of a short form.
func (now table) nameRule(line string) string {
	if !hasShortened(line) {
		return line
	}
	words := strings.Fields(line)
	prefix := policyPrefix
	if words[2] == "S" {
		prefix = rulePrefix
	}
	name := now.realName(prefix + words[3])
	return strings.Replace(line, words[2]+" "+words[3], words[2]+" "+name, 1)
}
