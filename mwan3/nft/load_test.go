package nft

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/plan"
)

// tableOf reads our table with the elements of its sets, independent of the order in which it was made.
func tableOf(t testing.TB, b *Backend) existing {
	t.Helper()
	return parseTable(listing(t, b))
}

func same(t testing.TB, what string, want, got any) {
	t.Helper()
	plain := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(existing{}, object{}), plain); diff != "" {
		t.Errorf("%s: -want +got:\n%s", what, diff)
	}
}

func TestTheKernelTakesEachPlanWhole(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			b := alone(t)
			load(t, b, e.marking, e.sets)
			for _, c := range compile(e.marking, e.sets).chains {
				want := slices.DeleteFunc(slices.Clone(c.rules), func(r string) bool { return strings.HasPrefix(r, "#") })
				o, ok := tableOf(t, b).chains[c.name]
				if got := len(o.lines); !ok || c.hook == "" && got != len(want) {
					t.Errorf("chain %s has %d rules in the kernel, %d in the plan", c.name, got, len(want))
				}
			}
			loaded, err := b.Loaded()
			must(t, err)
			if !loaded {
				t.Error("the table is not seen as loaded")
			}
		})
	}
}

func TestLoadingTwiceOrPrintingAndLoadingChangesNothing(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			b := alone(t)
			must(t, b.load(Render(e.marking, e.sets)))
			first := listing(t, b)
			load(t, b, e.marking, e.sets)
			same(t, "after the second load", first, listing(t, b))
		})
	}
}

func TestEachPlanComesOutTheSameAfterEachOther(t *testing.T) {
	t.Parallel()
	b := alone(t)
	want := map[string]existing{}
	for _, e := range examples() {
		must(t, b.Remove())
		load(t, b, e.marking, e.sets)
		want[e.name] = tableOf(t, b)
	}
	step := func(from, to example) {
		load(t, b, to.marking, to.sets)
		got := tableOf(t, b)
		forgetUserSets(got, want[to.name])
		same(t, from.name+" → "+to.name, want[to.name], got)
	}
	list := examples()
	for i, home := range list {
		must(t, b.Remove()) // users' sets, too, which stay else
		load(t, b, home.marking, home.sets)
		for _, away := range list[i+1:] {
			step(home, away)
			step(away, home)
		}
	}
}

// forgetUserSets removes users' sets that the wanted table lacks: they stay by intent.
func forgetUserSets(got, want existing) {
	for name := range got.sets {
		if _, ok := want.sets[name]; !ok && strings.HasPrefix(name, userSetPrefix) {
			delete(got.sets, name)
		}
	}
}

func TestWhatUsersAndTimeHavePutIntoSetsSurvives(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := bothFamilies()
	e.marking.Families[0].Rules[0].Set = "tv"
	load(t, b, e.marking, e.sets)
	command(t, b, `add element inet mwan3 ipset_tv { 198.51.100.7, 203.0.113.0/24 }
		add element inet mwan3 mwan3_dynamic_ipv4 { 192.0.2.0/24 }
		add element inet mwan3 mwan3_sticky_https/wan1_ipv4 { 192.168.1.7 timeout 1h }
		add element inet mwan3 mwan3_sticky_https/wan2_ipv4 { 192.168.1.8 timeout 1h }`)
	before := tableOf(t, b)
	for _, other := range []example{lastSticky(), lastSticky()} {
		load(t, b, other.marking, other.sets)
	}
	load(t, b, e.marking, e.sets)
	after := tableOf(t, b)
	for _, name := range []string{"ipset_tv", "mwan3_dynamic_ipv4", "mwan3_sticky_https/wan1_ipv4"} {
		same(t, name, before.sets[name], after.sets[name])
	}
	if got := after.sets["mwan3_sticky_https/wan2_ipv4"].property("elements"); got != "" {
		t.Errorf("the set of an interface that left the rule and came back still has %s", got)
	}
}

// lastSticky has one interface in its sticky rule and names no set of the user's.
func lastSticky() example {
	return example{"sticky", marking(v4, nil, sticky(usable(1))), nil}
}

func TestUsersSetsTakeOverlappingAdditionsInAnyOrder(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := userSetExample(false)
	load(t, b, e.marking, e.sets)
	for _, set := range []string{"ipset_tv", "ipset_fw4-list", "mwan3_dynamic_ipv4"} {
		for _, element := range []string{"203.0.113.2", "203.0.113.2", "203.0.113.0/24", "203.0.113.9", "203.0.112.0/22", "203.0.113.2"} {
			command(t, b, fmt.Sprintf("add element inet mwan3 %s { %s }", set, element))
		}
	}
	same(t, "elements", "= { 203.0.112.0/22 }", tableOf(t, b).sets["ipset_tv"].property("elements"))
	load(t, b, e.marking, e.sets)
	same(t, "a copy gets its own elements back", []string{"192.0.2.0/24", "198.51.100.0/24"}, elementsOf(t, b, "ipset_fw4-list"))
	same(t, "the user's own stay", []string{"203.0.112.0/22"}, elementsOf(t, b, "ipset_tv"))
}

func elementsOf(t testing.TB, b *Backend, set string) []string {
	t.Helper()
	text, err := b.list("list", "set", "inet", "mwan3", set)
	must(t, err)
	return parseElements(text)
}

func TestASetOfTheUsersWithFlagsOfItsOwnIsMatchedAsItIs(t *testing.T) {
	t.Parallel()
	b := alone(t)
	command(t, b, "table inet mwan3 {\nset ipset_tv {\ntype ipv4_addr\nflags timeout\nelements = { 198.51.100.7 timeout 1h }\n}\n}")
	e := userSetExample(false)
	load(t, b, e.marking, e.sets)
	same(t, "flags", "timeout", tableOf(t, b).sets["ipset_tv"].flags())
	same(t, "elements", []string{"198.51.100.7"}, elementsOf(t, b, "ipset_tv"))
}

func TestATableThatSomebodyBentIsMendedByALoad(t *testing.T) {
	e := bothFamilies()
	bends := map[string]string{
		"another priority":        "flush table inet mwan3; delete chain inet mwan3 mwan3_output; add chain inet mwan3 mwan3_output { type route hook output priority 5; }",
		"another hook":            "flush table inet mwan3; delete chain inet mwan3 mwan3_prerouting; add chain inet mwan3 mwan3_prerouting { type filter hook forward priority mangle; policy drop; }",
		"a policy":                "chain inet mwan3 mwan3_prerouting { policy drop; }",
		"no hook":                 "flush table inet mwan3; delete chain inet mwan3 mwan3_prerouting; add chain inet mwan3 mwan3_prerouting",
		"a hook of its own":       "add chain inet mwan3 mwan3_policy_x_ipv4 { type filter hook input priority 0; }",
		"asleep":                  "add table inet mwan3 { flags dormant; }",
		"no rules":                "flush table inet mwan3",
		"no table":                "delete table inet mwan3",
		"no hooks":                "delete chain inet mwan3 mwan3_prerouting",
		"a set of another type":   "flush table inet mwan3; delete set inet mwan3 mwan3_connected_ipv4; add set inet mwan3 mwan3_connected_ipv4 { type inet_service; }",
		"a map in place of a set": "flush table inet mwan3; delete set inet mwan3 mwan3_custom_ipv4; add map inet mwan3 mwan3_custom_ipv4 { type ipv4_addr : mark; }",
		"something added":         "add rule inet mwan3 mwan3_hook_ipv4 drop; add chain inet mwan3 mwan3_mine; add rule inet mwan3 mwan3_mine drop; add element inet mwan3 mwan3_connected_ipv4 { 8.0.0.0/8 }",
	}
	for name, bend := range bends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := alone(t)
			load(t, b, e.marking, e.sets)
			want := tableOf(t, b)
			command(t, b, strings.ReplaceAll(bend, "; ", "\n"))
			load(t, b, e.marking, e.sets)
			same(t, "the table", want, tableOf(t, b))
		})
	}
}

func TestATableThatChangesAfterItWasListedIsListedAgain(t *testing.T) {
	e := bothFamilies()
	full := Render(e.marking, e.sets)
	for name, change := range map[string]struct{ before, after string }{
		"it vanishes":           {full, "delete table inet mwan3"},
		"it appears":            {"", full},
		"a chain vanishes":      {full + "add chain inet mwan3 mwan3_more", "delete chain inet mwan3 mwan3_more"},
		"a set of another type": {"", "table inet mwan3 {\nset mwan3_connected_ipv4 { type inet_service; }\n}"},
		"a set vanishes":        {full + "add set inet mwan3 mwan3_more { type mark; }", "delete set inet mwan3 mwan3_more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := alone(t)
			command(t, b, change.before)
			have, err := b.skim()
			must(t, err)
			command(t, b, change.after)
			must(t, b.replace(compile(e.marking, e.sets), have))
			got := tableOf(t, b)
			must(t, b.Remove())
			load(t, b, e.marking, e.sets)
			same(t, "the table", tableOf(t, b), got)
		})
	}
}

func TestAHookThatIsGoneOrBentIsSeen(t *testing.T) {
	e := bothFamilies()
	for name, bend := range map[string]string{
		"table":    "delete table inet mwan3",
		"rules":    "flush table inet mwan3",
		"hook":     "delete chain inet mwan3 mwan3_output",
		"policy":   "chain inet mwan3 mwan3_output { policy drop; }",
		"dormancy": "add table inet mwan3 { flags dormant; }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := alone(t)
			load(t, b, e.marking, e.sets)
			command(t, b, bend)
			loaded, err := b.Loaded()
			must(t, err)
			if loaded {
				t.Error("not noticed")
			}
		})
	}
}

func TestSetsAreSwappedWithoutTheRest(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := userSetExample(false)
	load(t, b, e.marking, e.sets)
	command(t, b, "add element inet mwan3 ipset_tv { 198.51.100.7 }")
	want := tableOf(t, b)
	e.sets[0].Prefixes = prefixes("192.0.2.0/24", "192.0.2.7/32")
	e.sets[4].Prefixes = nil
	must(t, b.LoadSets(e.sets))
	got := tableOf(t, b)
	same(t, "connected", []string{"192.0.2.0/24"}, elementsOf(t, b, "mwan3_connected_ipv4"))
	same(t, "custom", []string(nil), elementsOf(t, b, "mwan3_custom_ipv6"))
	for _, name := range []string{"mwan3_connected_ipv4", "mwan3_custom_ipv6"} {
		got.sets[name] = want.sets[name]
	}
	same(t, "the rest", want, got)
	must(t, b.Remove())
	if err := b.LoadSets(e.sets); err == nil {
		t.Error("no error without the table")
	}
}

func TestOnlyOurTableIsRemovedAndAbsenceIsNoError(t *testing.T) {
	t.Parallel()
	b := alone(t)
	command(t, b, "add table inet fw4\nadd table ip mwan3")
	must(t, b.Remove())
	e := bothFamilies()
	load(t, b, e.marking, e.sets)
	must(t, b.Remove())
	tables, err := b.list("list", "tables")
	must(t, err)
	same(t, "tables", "table inet fw4\ntable ip mwan3\n", tables)
}

func TestALoadSaysWhatItLeftOut(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := oddNames()
	e.marking.Families[0].Rules = append(e.marking.Families[0].Rules, plan.Rule{Name: "six", Dst: addresses("2001:db8::/32"), Policy: "mark"})
	notes, err := b.Load(e.marking, e.sets)
	must(t, err)
	same(t, "notes", []string{
		"rule ____drop__x/8650de975c8e90e3 is left out: nft cannot say the name of its device",
		"rule six is left out: an address of the other family",
		"interface none is left out: nft cannot say the name of its device",
	}, notes)
}

func TestWhatNftComplainsAboutIsInTheError(t *testing.T) {
	t.Parallel()
	b := alone(t)
	m := marking(v4, []plan.Policy{{Name: "p", Shares: []plan.Share{share(1, 1<<30), share(2, 1<<30), share(3, 1<<30), share(4, 1<<30)}}})
	_, err := b.Load(m, nil)
	if err == nil || !strings.Contains(err.Error(), "load table inet mwan3: nft -f -: exit status 1: /dev/stdin:") || !strings.Contains(err.Error(), "mod 4294967296") {
		t.Errorf("error %v", err)
	}
}
