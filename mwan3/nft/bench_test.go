package nft

import (
	"fmt"
	"testing"
	"time"

	"mwan3/config"
	"mwan3/plan"
)

// big is a router with as many of everything as anybody will have: per family 30 interfaces, 10 policies of 6
// members, 100 rules of which 5 are sticky; 200 connected networks.
func big() (plan.Marking, []plan.Set) {
	m := plan.Marking{Mask: config.DefaultMask, LogLevel: "notice"}
	var sets []plan.Set
	for i, f := range [...]struct {
		fm     plan.FamilyMarking
		prefix string
	}{{plan.FamilyMarking{Family: v4}, "10.%d.0.0/16"}, {plan.FamilyMarking{Family: v6}, "2001:db8:%x::/48"}} {
		for id := 1 + i*30; id <= 30+i*30; id++ {
			f.fm.Marks = append(f.fm.Marks, wan(id))
			f.fm.Inbound = append(f.fm.Inbound, inbound(id))
		}
		for p := range 10 {
			policy := plan.Policy{Name: fmt.Sprint("policy", p)}
			for _, mark := range f.fm.Marks[p : p+6] {
				policy.Shares = append(policy.Shares, plan.Share{Mark: mark, Weight: p + 1})
			}
			f.fm.Policies = append(f.fm.Policies, policy)
		}
		for n := range 100 {
			port := uint16(1000 + n)
			r := plan.Rule{Name: fmt.Sprint("rule", n), Proto: config.ProtoTCP, DstPorts: []config.Ports{{First: port, Last: port}}, Policy: fmt.Sprint("policy", n%10)}
			if n%20 == 0 {
				r.Sticky = &plan.Sticky{Timeout: time.Minute}
				for _, s := range f.fm.Policies[n%10].Shares {
					r.Sticky.Members = append(r.Sticky.Members, plan.StickyMember{Mark: s.Mark, Usable: true})
				}
			}
			f.fm.Rules = append(f.fm.Rules, r)
		}
		connected := plan.Set{Kind: plan.Connected, Family: f.fm.Family}
		for n := range 200 {
			connected.Prefixes = append(connected.Prefixes, prefixes(fmt.Sprintf(f.prefix, n))...)
		}
		m.Families, sets = append(m.Families, f.fm), append(sets, connected)
	}
	return m, sets
}

func bench(b *testing.B, do func(*Backend, plan.Marking, []plan.Set) error) {
	b.Helper()
	nft := alone(b)
	m, sets := big()
	load(b, nft, m, sets)
	b.ResetTimer()
	for range b.N {
		must(b, do(nft, m, sets))
	}
}

func BenchmarkLoad(b *testing.B) {
	bench(b, func(nft *Backend, m plan.Marking, sets []plan.Set) error { _, err := nft.Load(m, sets); return err })
}

func BenchmarkLoadPolicies(b *testing.B) {
	bench(b, func(nft *Backend, m plan.Marking, _ []plan.Set) error {
		return nft.LoadPolicies(m, []string{"policy0", "policy1"})
	})
}

func BenchmarkLoadSets(b *testing.B) {
	bench(b, func(nft *Backend, _ plan.Marking, sets []plan.Set) error { return nft.LoadSets(sets) })
}

func BenchmarkPolicies(b *testing.B) {
	bench(b, func(nft *Backend, _ plan.Marking, _ []plan.Set) error { _, err := nft.Policies(); return err })
}

func BenchmarkLoaded(b *testing.B) {
	bench(b, func(nft *Backend, _ plan.Marking, _ []plan.Set) error { _, err := nft.Loaded(); return err })
}

func BenchmarkNew(b *testing.B) {
	bench(b, func(*Backend, plan.Marking, []plan.Set) error { _, err := New(); return err })
}

func BenchmarkFind(b *testing.B) {
	bench(b, func(*Backend, plan.Marking, []plan.Set) error { _, err := Find(); return err })
}

func BenchmarkRender(b *testing.B) {
	m, sets := big()
	for range b.N {
		Render(m, sets)
	}
}
