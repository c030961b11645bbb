package nft

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// counter is what one of a user's rule's plain rules has counted since it was loaded. A rule has as many as its lists
// need, twice as many if it logs, those of its logging first.
type counter struct {
	Rule           string
	Log            bool
	Packets, Bytes uint64
}

// Loaded tells whether our table is there with its two hooks and sends packets to the marking.
func (b *Backend) Loaded() (bool, error) {
	have, err := b.look()
	if err != nil || !have.found || have.asleep {
		return false, err
	}
	for _, base := range baseChains(plan.Marking{}) {
		chain := have.chains[base.name]
		if chain.hook() != base.hook || len(chain.lines) < 2 {
			return false, nil
		}
	}
	return true, nil
}

// Policies returns the policies of each family, sorted by name. One look serves both: with many policies it takes longer
// than all else that people ask for.
func (b *Backend) Policies() (map[network.Family][]plan.PolicyView, error) {
	have, err := b.look()
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	policies := map[network.Family][]plan.PolicyView{}
	for _, f := range network.Families {
		policies[f] = parsePolicies(have, f)
	}
	return policies, nil
}

// Inbound returns the interfaces of a family that have a chain for what comes in through them, sorted.
func (b *Backend) Inbound(f network.Family) ([]string, error) {
	have, err := b.skim()
	if err != nil {
		return nil, fmt.Errorf("read interfaces: %w", err)
	}
	var names []string
	for _, chain := range sortedNames(have.chains) {
		if name, ok := nameIn(ifaceInPrefix, chain, f); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// Connected returns the elements of the family's set of connected networks, in the set's order.
func (b *Backend) Connected(f network.Family) ([]string, error) {
	out, err := b.list("list", "set", "inet", "mwan3", networkSetName("connected", f))
	if err != nil {
		return nil, fmt.Errorf("read connected networks: %w", err)
	}
	return parseElements(out), nil
}

// Rules returns the lines of `mwan3 rules` for the family's user rules, with what they have counted.
func (b *Backend) Rules(part plan.FamilyMarking) ([]string, error) {
	counters, err := b.counters(part.Family)
	return listRules(part.Family, part.Rules, counters), err
}

// counters returns the counters of the family's user rules, in order.
func (b *Backend) counters(f network.Family) ([]counter, error) {
	text, err := b.list("list", "chain", "inet", "mwan3", rulesName(f))
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var counters []counter
	for _, line := range parseTable(text).chains[rulesName(f)].lines {
		if counter, ok := parseCounter(line); ok {
			counters = append(counters, counter)
		}
	}
	return counters, nil
}

func parsePolicies(have existing, f network.Family) []plan.PolicyView {
	var policies []plan.PolicyView
	for name, chain := range have.chains {
		if policy, ok := nameIn(policyPrefix, name, f); ok {
			policies = append(policies, parsePolicy(policy, chain.lines, f))
		}
	}
	slices.SortStableFunc(policies, plan.PolicyView.Compare)
	return policies
}

// parsePolicy reads the rules of a policy's chain: `numgen random mod 12 < 7 goto mwan3_to_wanb_ipv4` for each share but
// the last, then `goto mwan3_to_wan_ipv4`, or `goto` a special mark.
func parsePolicy(name string, lines []string, f network.Family) plan.PolicyView {
	status := plan.PolicyView{Name: name}
	total, left := uint64(1), uint64(1) // of the weights
	for _, line := range lines {
		odds, target, ok := strings.Cut(line, "goto ")
		if !ok || strings.HasPrefix(line, "oifname ") {
			continue
		}
		weight := left
		if of, part, ok := parseOdds(odds); ok {
			weight = part
			if len(status.Members) == 0 {
				total, left = of, of
			}
		}
		left -= min(weight, left)
		if iface, ok := nameIn(toPrefix, target, f); ok {
			status.Members = append(status.Members, plan.MemberView{Interface: iface, Percent: int(weight * 100 / total)})
			continue
		}
		status.LastResort = string(parseSpecial(target))
	}
	return status
}

// parseOdds reads `numgen random mod 12 < 7`.
func parseOdds(text string) (of, part uint64, ok bool) {
	words := strings.Fields(text)
	if len(words) != 6 || words[0] != "numgen" || words[4] != "<" {
		return 0, 0, false
	}
	of, err1 := strconv.ParseUint(words[3], 10, 32)
	part, err2 := strconv.ParseUint(words[5], 10, 32)
	return of, part, err1 == nil && err2 == nil && part <= of && of > 0
}

func parseSpecial(target string) config.Special {
	for _, special := range []config.Special{config.Unreachable, config.Blackhole, config.Default} {
		if target == specialName(special) {
			return special
		}
	}
	return ""
}

// parseElements reads the elements from what `nft list set` prints.
func parseElements(text string) []string {
	_, rest, found := strings.Cut(text, "elements = {")
	inside, _, closed := strings.Cut(rest, "}")
	if !found || !closed {
		return nil
	}
	var networks []string
	for _, entry := range strings.Split(inside, ",") {
		if words := strings.Fields(entry); len(words) > 0 {
			networks = append(networks, prefixOf(words[0]))
		}
	}
	return networks
}

// prefixOf writes a range as the prefix that it is, where it is one: some versions of nft print 224.0.0.0/3 as a range.
func prefixOf(element string) string {
	first, last, ok := strings.Cut(element, "-")
	from, err1 := netip.ParseAddr(first)
	to, err2 := netip.ParseAddr(last)
	if !ok || err1 != nil || err2 != nil {
		return element
	}
	for bits := from.BitLen(); bits >= 0; bits-- {
		if p := netip.PrefixFrom(from, bits); p.Masked() == p && lastOf(p) == to {
			return prefixWord(p)
		}
	}
	return element
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < p.Addr().BitLen(); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}

// parseCounter reads a rule of a rules chain.
func parseCounter(line string) (counter, bool) {
	_, rest, ok := strings.Cut(line, "counter packets ")
	words := strings.Fields(rest)
	if !ok || len(words) < 3 || words[1] != "bytes" {
		return counter{}, false
	}
	packets, err1 := strconv.ParseUint(words[0], 10, 64)
	bytes, err2 := strconv.ParseUint(words[2], 10, 64)
	_, comment, ok := strings.Cut(rest, ` comment "`)
	return counter{
		Rule: strings.TrimSuffix(comment, `"`), Log: strings.Contains(rest, "log prefix "),
		Packets: packets, Bytes: bytes,
	}, ok && err1 == nil && err2 == nil
}
