package iptables

import (
	"fmt"
	"strings"
	"testing"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// large is a router with 60 interfaces, 10 policies and 100 rules.
func large() testPlan {
	fm := plan.FamilyMarking{Family: network.IPv4}
	for id := 1; id <= 60; id++ {
		name := fmt.Sprintf("wan%d", id)
		fm.Inbound = append(fm.Inbound, inbound(name, id, name))
	}
	for p := range 10 {
		policy := plan.Policy{Name: fmt.Sprintf("policy%d", p)}
		for id := 1; id <= 60; id++ {
			policy.Shares = append(policy.Shares, share(fmt.Sprintf("wan%d", id), id, id))
		}
		fm.Policies = append(fm.Policies, policy)
	}
	for r := range 100 {
		port := uint16(1000 + r)
		fm.Rules = append(fm.Rules, plan.Rule{Name: fmt.Sprintf("rule%d", r), Proto: config.ProtoTCP,
			DstPorts: []config.Ports{{First: port, Last: port}}, Policy: fmt.Sprintf("policy%d", r%10)})
	}
	return testPlan{name: "large", marking: marking(fm)}
}

func benchVariants(b *testing.B, bench func(b *testing.B, backend *Backend)) {
	for _, variant := range variants {
		b.Run(strings.TrimPrefix(variant, "-"), func(b *testing.B) {
			inNamespace(b)
			bench(b, backend(b, variant))
		})
	}
}

func BenchmarkLoad60Interfaces10Policies100Rules(b *testing.B) {
	benchVariants(b, func(b *testing.B, backend *Backend) {
		p := large()
		for range b.N {
			mustLoad(b, backend, p)
		}
	})
}

func BenchmarkLoadOnePolicyOf60Members(b *testing.B) {
	benchVariants(b, func(b *testing.B, backend *Backend) {
		p := large()
		mustLoad(b, backend, p)
		b.ResetTimer()
		for range b.N {
			if err := backend.LoadPolicies(p.marking, []string{"policy3"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoadSetsOf5000(b *testing.B) {
	list := manyNets(5001)
	for name, steps := range map[string][2]int{"fill": {0, 5000}, "same": {5000, 5000}, "one": {5000, 5001}} {
		b.Run(name, func(b *testing.B) {
			inNamespace(b)
			backend := backend(b, "-nft")
			for range b.N {
				b.StopTimer()
				if err := backend.LoadSets(connected(list[:steps[0]])); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if err := backend.LoadSets(connected(list[:steps[1]])); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
