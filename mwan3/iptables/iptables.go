// Package iptables carries out the marking with iptables and ipsets, in upstream's words: the same chains, rules and
// comments in the table mangle (contracts 2.4), for routers without nftables and for scripts that read
// `iptables -t mangle -S`. A family's rules are replaced by one iptables-restore, which does all of it or nothing;
// sets are made and filled over netlink. What others have in the table is never touched.
//
// Three things differ from upstream's text. Probabilities are exact. A sticky rule keeps one set of sources for each
// interface (hash:ip), because many kernels lack the hash:ip,mark that upstream needs. And a name that is too long
// for a chain gets a short form: its first characters, a dash and a hash.
package iptables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mwan3/ipset"
	"mwan3/network"
	"mwan3/plan"
)

// Backend is the router's iptables. Its calls must not overlap.
type Backend struct {
	tools []tool // of the families that have one; IPv4 first
}

// New finds the tools iptables and iptables-restore, and those of IPv6 where the router has them.
func New() (*Backend, error) { return find("") }

func find(variant string) (*Backend, error) {
	b := &Backend{}
	for _, f := range network.Families {
		t, err := findTool(f, variant)
		if err == nil {
			b.tools = append(b.tools, t)
		} else if f == network.IPv4 {
			return nil, err
		}
	}
	return b, nil
}

// Render returns the marking of one family as the input of `iptables-restore --noflush` on a router without mwan3,
// or nothing if the marking has no such family.
func Render(m plan.Marking, f network.Family) string {
	fm, ok := familyOf(m, f)
	if !ok {
		return ""
	}
	return build(m, fm).replace(table{}).text()
}

func familyOf(m plan.Marking, f network.Family) (plan.FamilyMarking, bool) {
	for _, fm := range m.Families {
		if fm.Family == f {
			return fm, true
		}
	}
	return plan.FamilyMarking{}, false
}

// Load makes sets, chains and jumps as the plan says, and removes those of earlier plans. Entries of sticky sets
// that the plan still has survive, as do dynamic sets. The notes say what the kernel refused and was left out; an
// error in one family or set does not keep the others from being loaded.
func (b *Backend) Load(m plan.Marking, sets []plan.Set) (notes []string, err error) {
	errs := []error{b.makeSets(m), ipset.Load(sets)}
	for _, t := range b.tools {
		more, err := t.loadMarking(m)
		notes = append(notes, more...)
		errs = append(errs, err)
	}
	for _, fm := range m.Families {
		if _, ok := b.tool(fm.Family); !ok {
			notes = append(notes, fmt.Sprintf("%s is not marked: no iptables tool for it", fm.Family))
		}
	}
	return notes, errors.Join(append(errs, destroyStale(m))...)
}

func (b *Backend) tool(f network.Family) (tool, bool) {
	for _, t := range b.tools {
		if t.family == f {
			return t, true
		}
	}
	return tool{}, false
}

// makeSets makes the sets that the rules name, where they are missing.
func (b *Backend) makeSets(m plan.Marking) error {
	have, err := ipset.List()
	if err != nil {
		return err
	}
	var errs []error
	for _, fm := range m.Families {
		for _, kind := range ipset.Kinds() {
			errs = append(errs, ipset.Ensure(kind, fm.Family, have))
		}
	}
	for name, options := range stickySets(m) {
		if _, ok := have[name]; !ok {
			errs = append(errs, ipset.CreateSticky(name, options))
		}
	}
	return errors.Join(errs...)
}

// loadMarking replaces one family's chains. A family that the marking does not have is cleared.
func (t tool) loadMarking(m plan.Marking) ([]string, error) {
	fm, wanted := familyOf(m, t.family)
	now, err := t.list()
	switch {
	case errors.Is(err, errNoTable) && t.family == network.IPv6:
		if !wanted {
			return nil, nil
		}
		return []string{"ipv6 is not marked: " + err.Error()}, nil
	case err != nil:
		return nil, err
	case !wanted:
		return nil, t.clear(now)
	}
	return t.replace(build(m, fm), now)
}

// clear takes our jumps and chains out of the table, if there are any.
func (t tool) clear(now table) error {
	if len(now.chains) == 0 {
		return nil
	}
	if err := t.load(now.clear()); err != nil {
		return fmt.Errorf("remove the %s chains: %w", t.family, err)
	}
	return nil
}

// destroyStale destroys the sets of ours that the marking no longer needs.
func destroyStale(m plan.Marking) error {
	have, err := ipset.List()
	if err != nil {
		return err
	}
	wanted := stickySets(m)
	var stale []string
	for _, name := range ipset.Ours(have) {
		_, sticky := wanted[name]
		if !sticky && !hasBaseSet(m, name) {
			stale = append(stale, name)
		}
	}
	return ipset.DestroyUnused(stale)
}

func hasBaseSet(m plan.Marking, name string) bool {
	for _, fm := range m.Families {
		for _, kind := range ipset.Kinds() {
			if ipset.Name(kind, fm.Family) == name {
				return true
			}
		}
	}
	return false
}

// LoadPolicies replaces the chains of the named policies and of the sticky rules that use them, and nothing else. It
// fails, and changes nothing in that family, if a jump to us, one of the chains or a sticky set is gone; then
// everything has to be loaded again.
func (b *Backend) LoadPolicies(m plan.Marking, policies []string) error {
	var errs []error
	for _, fm := range m.Families {
		t, ok := b.tool(fm.Family)
		if !ok {
			continue
		}
		if err := t.load(build(m, fm).refill(policyChains(fm, policies))); err != nil {
			errs = append(errs, fmt.Errorf("load the %s policies %s: %w", fm.Family, strings.Join(policies, ", "), err))
		}
	}
	return errors.Join(errs...)
}

// policyChains are the chains that a change of these policies concerns.
func policyChains(fm plan.FamilyMarking, policies []string) map[string]bool {
	short := namesOf(fm)
	chains := map[string]bool{}
	for _, p := range fm.Policies {
		if slices.Contains(policies, p.Name) {
			chains[policyPrefix+short.policies[p.Name]] = true
		}
	}
	for _, r := range fm.Rules {
		if r.Sticky != nil && slices.Contains(policies, r.Policy) {
			chains[rulePrefix+short.rules[r.Name]] = true
		}
	}
	return chains
}

// refill is the batch that replaces some chains where everything of ours is in place, and fails where it is not.
func (r ruleset) refill(chains map[string]bool) *batch {
	b := newBatch()
	b.add("-C PREROUTING -j "+hookChain, "-C OUTPUT -j "+hookChain)
	for _, chain := range r.chains {
		if chains[chain] {
			b.add("-F " + chain)
		}
	}
	for _, e := range r.entries {
		if chains[e.chain] {
			b.entries([]entry{e})
		}
	}
	return b
}

// LoadSets makes the sets hold the networks that the plan says.
func (b *Backend) LoadSets(sets []plan.Set) error { return ipset.Load(sets) }

// Remove takes everything of ours out of the kernel: the jumps, the chains, the sets. A chain or set that a rule of
// somebody else uses stays, empty in the case of a chain.
func (b *Backend) Remove() error {
	var errs []error
	for _, t := range b.tools {
		now, err := t.list()
		if errors.Is(err, errNoTable) {
			continue
		}
		if err == nil {
			err = t.clear(now)
		}
		errs = append(errs, err)
	}
	have, err := ipset.List()
	return errors.Join(append(errs, err, ipset.DestroyUnused(ipset.Ours(have)))...)
}

// Loaded tells whether a marking is in place: for each family that has our sets, our chain and the jumps to it. It
// is false after somebody flushed the table.
func (b *Backend) Loaded() (bool, error) {
	have, err := ipset.List()
	if err != nil {
		return false, err
	}
	loaded := false
	for _, t := range b.tools {
		if _, ok := have[ipset.Name(plan.Connected, t.family)]; !ok {
			continue
		}
		hooked, err := t.hooked()
		if errors.Is(err, errNoTable) {
			continue
		}
		if err != nil || !hooked {
			return false, err
		}
		loaded = true
	}
	return loaded, nil
}
