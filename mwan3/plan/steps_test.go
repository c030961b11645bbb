package plan

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
)

// sections is a config of interface sections; one without a name is disabled.
func sections(mask uint32, names ...string) config.Config {
	cfg := config.Config{Globals: config.Globals{Mask: config.Mask(mask)}}
	for i, name := range names {
		cfg.Interfaces = append(cfg.Interfaces, config.Interface{Name: name, ID: i + 1, Enabled: name != ""})
	}
	return cfg
}

// routerWith has every interface up, with a default route through a device of the interface's name.
func routerWith(mask uint32, names ...string) Inputs {
	in := Inputs{Config: sections(mask, names...), Health: health.States{}}
	in.Network = network.State{Families: []network.Family{network.IPv4}, Interfaces: map[string]network.Interface{}}
	for i, name := range names {
		in.Network.Interfaces[name] = network.Interface{Name: name, Up: true, Device: name}
		in.Network.Routes = append(in.Network.Routes, network.Route{Table: network.TableMain, Dst: netip.MustParsePrefix("0.0.0.0/0"),
			Device: name, Metric: uint32(i)})
		in.Health[name] = health.Online
	}
	return in
}

func TestStepsGoRoundByMarksThatNobodyHas(t *testing.T) {
	in := routerWith(0x3f00, "b", "a", "c")
	in.Config.Globals.RTTableLookup = []int{60}
	in.Network.Routes = append(in.Network.Routes, network.Route{Table: 59, Dst: netip.MustParsePrefix("192.0.2.0/24"), Device: "vpn"})
	in.Network.Rules = []network.Rule{{Priority: 1058, Table: 1000}, {Priority: 5000, Table: 57}}
	var got []string
	for _, step := range in.Steps(under(0x3f00, "a", "b", "c", "d")) {
		got = append(got, describe(step))
	}
	want := []string{
		"b=0x3800 a=0x3700 c=0x300; held a-1 b-2; carried a=0x100 b=0x200 c=0x300 d=0x400 b=0x3800 a=0x3700; " +
			"then 0x3f00 0x100:0x3700 0x200:0x3800 0x400:0x0",
		"b=0x100 a=0x200 c=0x300; held b-56 a-55; carried b=0x3800 a=0x3700 c=0x300 b=0x100 a=0x200; " +
			"then 0x3f00 0x3700:0x200 0x3800:0x100",
		"b=0x100 a=0x200 c=0x300; held; carried b=0x100 a=0x200 c=0x300; then",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func describe(s Step) string {
	var b strings.Builder
	list := func(all []Carried) {
		for _, c := range all {
			fmt.Fprintf(&b, " %s=%#x", c.Interface, c.Mark)
		}
	}
	list(s.Inputs.Carried())
	b.WriteString("; held")
	for _, h := range s.Inputs.Held {
		fmt.Fprintf(&b, " %s-%d", h.Interface, h.ID)
	}
	b.WriteString("; carried")
	list(s.Carries)
	b.WriteString("; then")
	for _, r := range s.After {
		fmt.Fprintf(&b, " %#x %s", r.Mask, change(r))
	}
	return strings.TrimSpace(b.String())
}

func change(r Remark) string {
	var words []string
	for from, to := range r.Change {
		words = append(words, fmt.Sprintf("%#x:%#x", from, to))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestStepsAreOneWhenNothingMoves(t *testing.T) {
	for name, tt := range map[string]struct {
		before []Carried
		in     Inputs
		want   []Remark
	}{
		"nothing is known":      {nil, routerWith(0x3f00, "a"), nil},
		"nothing has changed":   {under(0x3f00, "a", "b"), routerWith(0x3f00, "a", "b"), nil},
		"one more":              {under(0x3f00, "a"), routerWith(0x3f00, "a", "b"), nil},
		"the last one is gone":  {under(0x3f00, "a", "b"), routerWith(0x3f00, "a"), []Remark{{0x3f00, map[uint32]uint32{0x200: 0}}}},
		"no interface is left":  {under(0x3f00, "a"), routerWith(0x3f00), []Remark{{0x3f00, map[uint32]uint32{0x100: 0}}}},
		"nor the mask":          {under(0x3f00, "a"), routerWith(0xff), []Remark{{0x3f00, map[uint32]uint32{0x100: 0}}}},
		"there are no free ids": {under(0x7, "a", "b"), routerWith(0x7, "b", "a", "c"), []Remark{{0x7, map[uint32]uint32{1: 2, 2: 1}}}},
	} {
		steps := tt.in.Steps(tt.before)
		if len(steps) != 1 || steps[0].Before != nil {
			t.Errorf("%s: %d steps", name, len(steps))
		} else if diff := cmp.Diff(tt.want, steps[0].After, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestAnotherMaskIsSetBesideTheOldOneFirst(t *testing.T) {
	steps := routerWith(0xff0000, "a", "b").Steps(under(0x3f00, "a", "b"))
	want := []Step{{
		Before: []Remark{{0xff3f00, map[uint32]uint32{0x100: 0x10100, 0x200: 0x20200, 0x3f00: 0xff3f00}}},
		After: []Remark{
			{0xff3f00, map[uint32]uint32{0x100: 0x10000, 0x200: 0x20000, 0x3f00: 0xff0000, 0x3e00: 0, 0x3d00: 0}},
			{0x3f00, map[uint32]uint32{0x100: 0, 0x200: 0, 0x3f00: 0, 0x3e00: 0, 0x3d00: 0}},
		},
	}}
	if diff := cmp.Diff(want, steps, cmp.Comparer(func(a, b Inputs) bool { return true })); diff != "" {
		t.Error(diff)
	}
}

// TestNoConnectionIsEverLedAstray walks through random changes. In every state in which the kernel is on the way, each mark
// that a connection carries leads through the interface that the connection belongs to, and no other.
func TestNoConnectionIsEverLedAstray(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "c", "d", "e", "f"}
	some := func() []string {
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		list := slices.Clone(names[:1+random.IntN(len(names)-1)])
		if random.IntN(3) == 0 {
			list[0] = "" // disabled
		}
		return list
	}
	walks := 2000
	if testing.Short() {
		walks = 200
	}
	for range walks {
		before, after := some(), some()
		in := routerWith(0x3f00, after...)
		walkWith(t, fmt.Sprintf("%q to %q", before, after), in, under(0x3f00, before...))
	}
}

// walkWith has a connection through each interface, and one more that begins in each step.
func walkWith(t *testing.T, what string, in Inputs, carried []Carried) {
	t.Helper()
	connections := slices.Clone(carried)
	for number, step := range in.Steps(carried) {
		if carried = step.Carries; carried == nil {
			carried = in.Carried()
		}
		connections = append(connections, step.Inputs.Carried()...)
		astray(t, fmt.Sprintf("%s, step %d loaded", what, number), step, connections)
		for i := range connections {
			for _, remark := range step.After {
				if to, ok := remark.Change[connections[i].Mark]; ok {
					connections[i].Mark = to
				}
			}
		}
		astray(t, fmt.Sprintf("%s, step %d done", what, number), step, connections)
		for _, c := range connections {
			if c.Mark != 0 && !slices.Contains(carried, c) {
				t.Fatalf("%s: a connection of %s has mark %#x, which is not on record: %v", what, c.Interface, c.Mark, carried)
			}
		}
	}
	final := in.Carried()
	for _, c := range connections {
		at := slices.IndexFunc(final, func(f Carried) bool { return f.Interface == c.Interface })
		if at < 0 && c.Mark != 0 || at >= 0 && final[at] != c {
			t.Fatalf("%s: in the end a connection of %s has mark %#x", what, c.Interface, c.Mark)
		}
	}
}

// astray follows each connection's mark through marking, rules and tables. One of an interface that is gone may be decided
// anew until its mark is taken away.
func astray(t *testing.T, what string, step Step, connections []Carried) {
	t.Helper()
	want := Make(step.Inputs)
	for _, c := range connections {
		if _, ok := step.Inputs.Config.Interface(c.Interface); !ok || c.Mark == 0 {
			continue
		}
		if got := deviceOf(want, c.Mark); got != c.Interface {
			t.Fatalf("%s: mark %#x of %s leads to %q", what, c.Mark, c.Interface, got)
		}
	}
}

// deviceOf is where a connection's mark leads; nowhere if it is not restored.
func deviceOf(p Plan, mark uint32) string {
	restored := slices.ContainsFunc(p.Marking.Families[0].Marks, func(m Mark) bool { return m.Value == mark })
	for _, rule := range p.Rules {
		if !restored || rule.Mark != mark || rule.Action != network.Lookup {
			continue
		}
		for _, table := range p.Tables {
			if table.ID == rule.Table && len(table.Routes) == 1 && table.Routes[0].Table == table.ID {
				return table.Routes[0].Device
			}
		}
	}
	return ""
}
