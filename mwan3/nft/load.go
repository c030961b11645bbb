package nft

import (
	"fmt"
	"strings"

	"mwan3/plan"
)

// Load makes our table what the plan says, in one transaction: packets meet the old one or the new one. Sticky entries,
// dynamic sets and users' elements stay; a set of the user's stays, too, when no rule names it any more. What goes are
// the chains, sets and maps called mwan3_… that the plan does not have, and sets whose type is not the plan's.
//
// It returns why a rule had to be left out, if one had to. When it fails, packets meet what they met before.
func (b *Backend) Load(m plan.Marking, sets []plan.Set) ([]string, error) {
	rules := compile(m, sets)
	have, err := b.skim()
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", table, err)
	}
	if err := b.replace(rules, have); err != nil {
		return nil, fmt.Errorf("load table %s: %w", table, err)
	}
	return rules.leftOut(), nil
}

// replace makes the ruleset of what existed a moment ago. If that fails and something else exists by now (somebody removed the
// table meanwhile, say), it makes it of that.
func (b *Backend) replace(rules ruleset, before existing) error {
	failed := b.replaceOnce(rules, before)
	if failed == nil {
		return nil
	}
	have, err := b.skim()
	if err != nil || have.equal(before) {
		return failed
	}
	return b.replaceOnce(rules, have)
}

// replaceOnce makes the ruleset of what exists. New sets of networks come first, in a transaction of their own that no packet
// notices: Linux 6.18 fills a new one a moment after packets meet the new rules. (It exchanges the elements of a set
// that exists at one blow.)
func (b *Backend) replaceOnce(rules ruleset, have existing) error {
	fresh, rest := rules.splitSets(have)
	if len(fresh) > 0 {
		if err := b.load(ruleset{sets: fresh}.text(nil)); err != nil {
			return err
		}
	}
	return b.load(ruleset{rest, rules.chains}.replace(have))
}

// splitSets separates the sets of networks that are to be made from the others.
func (r ruleset) splitSets(have existing) (fresh, rest []set) {
	for _, s := range r.sets {
		if _, exists := have.sets[s.name]; !exists && s.flags == "interval" && len(s.elements) > 0 {
			fresh = append(fresh, s)
			continue
		}
		rest = append(rest, s)
	}
	return fresh, rest
}

// LoadPolicies rewrites the chains of those policies, and of the sticky rules that use them, and nothing else: the
// way for a verdict. The plan must differ from the loaded one in the shares of policies only. It fails, and changes
// nothing, when a chain or a set that it needs is not there; then Load helps.
func (b *Backend) LoadPolicies(m plan.Marking, names []string) error {
	text, err := policyText(m, names)
	if err == nil && text != "" {
		err = b.load(text)
	}
	if err != nil {
		return fmt.Errorf("load policies %s: %w", strings.Join(names, ", "), err)
	}
	return nil
}

// policyText writes the chains of those policies anew.
func policyText(m plan.Marking, names []string) (string, error) {
	wanted, planned := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var b strings.Builder
	for _, fm := range m.Families {
		f := newFamily(m, fm, nil)
		for _, c := range append(f.policies(wanted), f.stickyRules(wanted)...) {
			c.rewrite(&b)
		}
		for _, p := range f.allPolicies() {
			planned[p.Name] = true
		}
	}
	for _, name := range names {
		if !planned[name] {
			return "", fmt.Errorf("policy %s is not in the plan", name)
		}
	}
	return b.String(), nil
}

// LoadSets gives the sets whose elements are the plan's (connected, custom, copies) their elements, in one
// transaction. It fails, and changes nothing, when one of them is not there.
func (b *Backend) LoadSets(sets []plan.Set) error {
	var text strings.Builder
	for _, s := range sets {
		if written := networkSet(s); written.content == replaced {
			written.refill(&text)
		}
	}
	if text.Len() == 0 {
		return nil
	}
	if err := b.load(text.String()); err != nil {
		return fmt.Errorf("load sets: %w", err)
	}
	return nil
}

// Remove deletes our table with everything in it, and nothing else. It is no error if there is none.
func (b *Backend) Remove() error {
	// Adding it first makes the deletion succeed in any case; "destroy" is not in nft before 1.0.7.
	if err := b.load(fmt.Sprintf("add table %s\ndelete table %s\n", table, table)); err != nil {
		return fmt.Errorf("remove table %s: %w", table, err)
	}
	return nil
}

// replace writes the transaction that turns what exists into the ruleset.
func (r ruleset) replace(have existing) string {
	var b strings.Builder
	fmt.Fprintf(&b, "add table %s\nflush table %s\n", table, table) // flushes the rules, not the sets
	left := r.deleteSets(&b, have.sets)                             // first, as maps refer to chains
	r.deleteChains(&b, have.chains)
	b.WriteString(r.text(left))
	return b.String()
}

// deleteChains deletes the chains that are ours and not wanted, or that somebody hung on another hook.
func (r ruleset) deleteChains(b *strings.Builder, have map[string]object) {
	wanted := map[string]chain{}
	for _, c := range r.chains {
		wanted[c.name] = c
	}
	for _, name := range sortedNames(have) {
		want, ok := wanted[name]
		if ok && have[name].hook() == want.hook || !strings.HasPrefix(name, ours) {
			continue
		}
		have[name].remove(b, name)
	}
}

// deleteSets empties or deletes sets, as they need, and returns those that must not be defined again: a definition that
// differs from the existing set fails.
func (r ruleset) deleteSets(b *strings.Builder, have map[string]object) (without map[string]bool) {
	wanted := map[string]bool{}
	without = map[string]bool{}
	for _, s := range r.sets {
		wanted[s.name] = true
		o, exists := have[s.name]
		switch {
		case !exists:
		case o.fate(s) == recreate:
			o.remove(b, s.name)
		case o.fate(s) == left:
			without[s.name] = true
		case s.content == replaced:
			s.flush(b)
		}
	}
	for _, name := range sortedNames(have) {
		if strings.HasPrefix(name, ours) && !wanted[name] {
			have[name].remove(b, name)
		}
	}
	return without
}

func (o object) remove(b *strings.Builder, name string) {
	fmt.Fprintf(b, "delete %s %s %s\n", o.kind, table, name)
}
