package nft

import (
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// PolicyStatus is a policy as the kernel has it. Without shares LastResort says where its connections go; without
// that, too, the policy is not defined and decides nothing.
type PolicyStatus struct {
	Name       string
	Shares     []ShareStatus // the member that was listed last first, as upstream shows them
	LastResort config.Special
}

// ShareStatus is an interface's part of a policy: percent of the new connections, rounded down.
type ShareStatus struct {
	Interface string
	Percent   int
}

// Counter is what a user's rule has counted since it was loaded. A rule that logs has two, the one of its logging
// first.
type Counter struct {
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

// Policies returns the policies of a family, sorted by name.
func (b *Backend) Policies(f network.Family) ([]PolicyStatus, error) {
	have, err := b.look()
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	var policies []PolicyStatus
	for name, chain := range have.chains {
		if policy, ok := nameIn(policyPrefix, name, f); ok {
			policies = append(policies, parsePolicy(policy, chain.lines, f))
		}
	}
	sort.Slice(policies, func(i, j int) bool { return policies[i].Name < policies[j].Name })
	return policies, nil
}

// Interfaces returns the interfaces of a family that have a chain for what comes in through them, sorted.
func (b *Backend) Interfaces(f network.Family) ([]string, error) {
	have, err := b.look()
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

// Rules returns the counters of the family's user rules, in order.
func (b *Backend) Rules(f network.Family) ([]Counter, error) {
	have, err := b.look()
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var counters []Counter
	for _, line := range have.chains[rulesName(f)].lines {
		if counter, ok := parseCounter(line); ok {
			counters = append(counters, counter)
		}
	}
	return counters, nil
}

// parsePolicy reads the rules of a policy's chain.
func parsePolicy(name string, lines []string, f network.Family) PolicyStatus {
	status := PolicyStatus{Name: name}
	for _, line := range lines {
		if target, ok := strings.CutPrefix(line, "goto "); ok {
			status.take(target, f)
		}
		if strings.HasPrefix(line, "numgen ") {
			status.Shares = parseShares(line, f)
		}
	}
	return status
}

// take notes the target of the rule that decides for the rest.
func (s *PolicyStatus) take(target string, f network.Family) {
	if iface, ok := nameIn(toPrefix, target, f); ok {
		s.Shares = []ShareStatus{{Interface: iface, Percent: 100}}
		return
	}
	for _, special := range []config.Special{config.Unreachable, config.Blackhole, config.Default} {
		if target == specialName(special) {
			s.LastResort = special
		}
	}
}

// parseShares reads `numgen random mod 12 vmap { 0-6 : goto mwan3_to_wanb_ipv4, … }`.
func parseShares(line string, f network.Family) []ShareStatus {
	_, rest, _ := strings.Cut(line, " mod ")
	number, entries, _ := strings.Cut(rest, " vmap {")
	total, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	if err != nil || total == 0 {
		return nil
	}
	var shares []ShareStatus
	for _, entry := range strings.Split(strings.TrimSuffix(strings.TrimSpace(entries), "}"), ",") {
		numbers, verdict, _ := strings.Cut(entry, ":")
		iface, ok := nameIn(toPrefix, strings.TrimPrefix(strings.TrimSpace(verdict), "goto "), f)
		if weight := rangeSize(strings.TrimSpace(numbers)); ok && weight > 0 {
			shares = append(shares, ShareStatus{Interface: iface, Percent: int(weight * 100 / total)})
		}
	}
	return shares
}

// rangeSize is how many numbers "3" or "0-6" has, 0 if it is none.
func rangeSize(text string) uint64 {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 32)
	to, err2 := strconv.ParseUint(last, 10, 32)
	if err1 != nil || err2 != nil || to < from {
		return 0
	}
	return to - from + 1
}

// parseElements reads the elements from what `nft list set` prints.
func parseElements(text string) []string {
	_, rest, found := strings.Cut(text, "elements = {")
	inside, _, closed := strings.Cut(rest, "}")
	if !found || !closed {
		return nil
	}
	var elements []string
	for _, entry := range strings.Split(inside, ",") {
		if words := strings.Fields(entry); len(words) > 0 {
			elements = append(elements, prefixOf(words[0]))
		}
	}
	return elements
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
func parseCounter(line string) (Counter, bool) {
	_, rest, ok := strings.Cut(line, "counter packets ")
	words := strings.Fields(rest)
	if !ok || len(words) < 3 || words[1] != "bytes" {
		return Counter{}, false
	}
	packets, err1 := strconv.ParseUint(words[0], 10, 64)
	bytes, err2 := strconv.ParseUint(words[2], 10, 64)
	_, comment, ok := strings.Cut(rest, ` comment "`)
	return Counter{
		Rule: strings.TrimSuffix(comment, `"`), Log: strings.Contains(rest, "log prefix "),
		Packets: packets, Bytes: bytes,
	}, ok && err1 == nil && err2 == nil
}
