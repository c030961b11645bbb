package iptables

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/ipset"
	"mwan3/plan"
)

func TestTheKernelPrintsEachPlanAsItWasWritten(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		for _, p := range plans() {
			mustLoad(t, b, p)
			got := sameRules(tables(t, variant), unchanged)
			if diff := cmp.Diff(sameRules(rendered(p), unchanged), got); diff != "" {
				t.Errorf("%s (-written +printed):\n%s", p.name, diff)
			}
			if loaded, err := b.Loaded(); err != nil || !loaded {
				t.Errorf("%s: loaded = %v, %v", p.name, loaded, err)
			}
		}
	})
}

// state is everything of ours that can be seen.
func state(t testing.TB, variant string) string {
	t.Helper()
	var all strings.Builder
	all.WriteString(tables(t, variant))
	for _, name := range setNames(t) {
		all.WriteString(name + " " + strings.Join(members(t, name), " ") + "\n")
	}
	return all.String()
}

func TestLoadingTwiceChangesNothing(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		for _, p := range plans() {
			mustLoad(t, b, p)
			once := state(t, variant)
			mustLoad(t, b, p)
			if diff := cmp.Diff(once, state(t, variant)); diff != "" {
				t.Errorf("%s (-once +twice):\n%s", p.name, diff)
			}
		}
	})
}

func TestFromAnyPlanToAnyOtherIsAsFromNothing(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		fresh := map[string]string{}
		for _, p := range plans() {
			mustLoad(t, b, p)
			fresh[p.name] = state(t, variant)
			if err := b.Remove(); err != nil {
				t.Fatal(err)
			}
		}
		step := func(before, after testPlan) {
			mustLoad(t, b, withAllSets(after))
			if diff := cmp.Diff(fresh[after.name], state(t, variant)); diff != "" {
				t.Errorf("%s after %s (-from nothing +from it):\n%s", after.name, before.name, diff)
			}
		}
		list := plans()
		for i, home := range list {
			mustLoad(t, b, withAllSets(home))
			for _, away := range list[i+1:] {
				step(home, away)
				step(away, home)
			}
		}
	})
}

// withAllSets names the networks of all sets, so that an earlier plan's do not stay.
func withAllSets(p testPlan) testPlan {
	have := map[string]bool{}
	for _, set := range p.sets {
		have[ipset.Name(set.Kind, set.Family)] = true
	}
	for _, fm := range p.marking.Families {
		for _, kind := range []plan.Kind{plan.Connected, plan.Custom} {
			if !have[ipset.Name(kind, fm.Family)] {
				p.sets = append(slices.Clip(p.sets), plan.Set{Kind: kind, Family: fm.Family})
			}
		}
	}
	return p
}

func planNamed(t testing.TB, name string) testPlan {
	t.Helper()
	for _, p := range plans() {
		if p.name == name {
			return p
		}
	}
	t.Fatal("no plan ", name)
	return testPlan{}
}

func TestStickyEntriesSurviveLoadsAndAChangedTimeout(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, _ string) {
		mustLoad(t, b, planNamed(t, "sticky"))
		run(t, "", "ipset", "add", "mwan3_rule4_3_https", "192.0.2.7")
		for _, name := range []string{"sticky", "sticky-longer", "sticky-one-offline"} {
			mustLoad(t, b, planNamed(t, name))
			if diff := cmp.Diff([]string{"192.0.2.7"}, members(t, "mwan3_rule4_3_https")); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", name, diff)
			}
		}
		mustLoad(t, b, planNamed(t, "balanced"))
		for _, name := range setNames(t) {
			if ipset.IsSticky(name) {
				t.Errorf("set %s outlived its rule", name)
			}
		}
	})
}

const foreignTable = `*mangle
:notmwan3_chain - [0:0]
:the_mwan3_fan - [0:0]
-A PREROUTING -i eth7 -j mwan3_hook
-A PREROUTING -m set --match-set friends dst -j notmwan3_chain
-A notmwan3_chain -m mark --mark 0x10000/0x10000 -j the_mwan3_fan
-A the_mwan3_fan -m comment --comment "-j mwan3_hook" -j MARK --set-xmark 0x20000/0x20000
-A OUTPUT -m comment --comment before
COMMIT
`

func TestWhatOthersHaveSurvivesLoadAndRemove(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		run(t, "create friends hash:net\nadd friends 192.0.2.0/24\ncreate mwan3like hash:ip\n", "ipset", "restore")
		mustLoad(t, b, planNamed(t, "sticky"))
		run(t, foreignTable, "iptables"+variant+"-restore", "--noflush")
		run(t, "", "iptables"+variant, "-t", "mangle", "-A", "OUTPUT", "-m", "comment", "--comment", "after")
		for _, p := range plans() {
			mustLoad(t, b, p)
		}
		wantOutput := []string{"-P OUTPUT ACCEPT", "-A OUTPUT -j mwan3_hook", "-A OUTPUT -m comment --comment before", "-A OUTPUT -m comment --comment after"}
		got := strings.Split(strings.TrimSpace(run(t, "", "iptables"+variant, "-t", "mangle", "-S", "OUTPUT")), "\n")
		if diff := cmp.Diff(wantOutput, got); diff != "" {
			t.Errorf("OUTPUT (-want +got):\n%s", diff)
		}
		if err := b.Remove(); err != nil {
			t.Fatal(err)
		}
		want := append([]string{"-A OUTPUT -m comment --comment before", "-A OUTPUT -m comment --comment after",
			"-A PREROUTING -i eth7 -j mwan3_hook", "-A PREROUTING -m set --match-set friends dst -j notmwan3_chain",
			"-A notmwan3_chain -m mark --mark 0x10000/0x10000 -j the_mwan3_fan",
			`-A the_mwan3_fan -m comment --comment "-j mwan3_hook" -j MARK --set-xmark 0x20000/0x20000`}, "-N mwan3_hook")
		if diff := cmp.Diff(want, sameRules(tables(t, variant), unchanged)); diff != "" {
			t.Errorf("after Remove (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"friends", "mwan3like"}, setNames(t)); diff != "" {
			t.Errorf("sets after Remove (-want +got):\n%s", diff)
		}
		if loaded, err := b.Loaded(); err != nil || loaded {
			t.Errorf("loaded = %v, %v after Remove", loaded, err)
		}
	})
}

func TestChainsAndJumpsOfAnEarlierMwan3AreReplaced(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		run(t, `*mangle
:mwan3_hook - [0:0]
:mwan3_iface_in_old - [0:0]
:mwan3_ifaces_in - [0:0]
-A PREROUTING -j mwan3_hook
-A PREROUTING -m comment --comment between
-A PREROUTING -j mwan3_hook
-A mwan3_hook -j mwan3_ifaces_in
-A mwan3_ifaces_in -j mwan3_iface_in_old
COMMIT
`, "iptables"+variant+"-restore", "--noflush")
		run(t, "create mwan3_rule_ipv4_old hash:ip\ncreate mwan3_connected_ipv4 hash:ip\n", "ipset", "restore")
		p := planNamed(t, "balanced")
		mustLoad(t, b, p)
		want := sameRules(rendered(p)+"-A PREROUTING -m comment --comment between\n", unchanged)
		got := sameRules(tables(t, variant), unchanged)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if slices.Contains(setNames(t), "mwan3_rule_ipv4_old") {
			t.Error("the sticky set of the earlier mwan3 is still there")
		}
	})
}
