package nft

import (
	"strings"
	"testing"

	"mwan3/config"
	"mwan3/plan"
)

// bent is a plan with whatever text in all places that hold text.
func bent(name, device, set, level string) (plan.Marking, []plan.Set) {
	mark := plan.Mark{Interface: name, Value: 0x100}
	in := plan.Inbound{Mark: mark, Device: device}
	members := []plan.StickyMember{{Mark: mark, Usable: true}}
	m := plan.Marking{Mask: config.DefaultMask, LogLevel: config.LogLevel(level), Families: []plan.FamilyMarking{{
		Family: v4, Marks: []plan.Mark{mark}, Inbound: []plan.Inbound{in},
		Policies: []plan.Policy{
			{Name: name, Shares: []plan.Share{{Mark: mark, Weight: 1}}},
			{Name: set, Out: []plan.Inbound{in}, LastResort: config.Special(level)},
		},
		Rules: []plan.Rule{
			{Name: name, InDevice: device, Set: set, Log: true, Policy: name, Sticky: &plan.Sticky{Members: members}},
			{Name: set, Special: config.Special(name)}, {Name: device, Policy: device},
		},
	}}}
	return m, []plan.Set{{Kind: plan.User, Name: set, Family: v4}}
}

// FuzzNothingOfAPlanBreaksOutOfItsPlace loads plans with any text for real. The kernel must take them, and have no
// more than the plan has.
func FuzzNothingOfAPlanBreaksOutOfItsPlace(f *testing.F) {
	f.Add("wan", "eth0", "tv", "notice")
	f.Add("\"; drop; #", "a\" drop", "x }\n\tadd table inet evil\n", "err\nadd table inet evil")
	f.Add("}\n}\nadd table inet evil", "\\\"$(id)`id`", "{ type ipv4_addr; }", "$level")
	f.Add("mark", "ct", "type", "warning")
	f.Add("é\xff\x00", "\xff", "'", "/* ")
	f.Add("include \"/etc/passwd\"", "*", "@", "define x = 1")
	f.Fuzz(func(t *testing.T, name, device, set, level string) {
		b := alone(t)
		m, sets := bent(name, device, set, level)
		load(t, b, m, sets)
		tables, err := b.list("list", "tables")
		must(t, err)
		same(t, "tables", "table inet mwan3\n", tables)
		want, have := compile(m, sets), tableOf(t, b)
		if len(have.chains) > len(want.chains) || len(have.sets) > len(want.sets) {
			t.Errorf("%d chains and %d sets are more than the plan's", len(have.chains), len(have.sets))
		}
		for _, c := range want.chains {
			if got, most := len(have.chains[c.name].lines), 2*len(c.rules)+2; got > most {
				t.Errorf("chain %s has %d rules", c.name, got)
			}
		}
		for chain, o := range have.chains {
			if strings.Contains(strings.Join(o.lines, "\n"), "drop") && !strings.Contains(name+device+set, "drop") {
				t.Errorf("chain %s drops", chain)
			}
		}
	})
}
