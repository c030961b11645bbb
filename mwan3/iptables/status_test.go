package iptables

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/plan"
)

func TestThePoliciesAreReadBackWithTheirPercentages(t *testing.T) {
	want := []plan.PolicyView{
		{Name: "bh", LastResort: "blackhole"},
		{Name: "ghost"},
		{Name: "policy_with_a_long_name", LastResort: "default"},
		{Name: "three", Members: []plan.MemberView{{Interface: "w3", Percent: 58}, {Interface: "w2", Percent: 16}, {Interface: "w1", Percent: 25}}},
	}
	policies := []plan.Policy{
		{Name: "three", Shares: []plan.Share{share("w1", 1, 3), share("w2", 2, 2), share("w3", 3, 7)}},
		{Name: "ghost", Undefined: true},
		{Name: "policy_with_a_long_name", LastResort: config.Default},
		{Name: "bh", Out: []plan.Inbound{inbound("1", 1, "2")}, LastResort: config.Blackhole},
	}
	forVariants(t, func(t *testing.T, b *Backend, _ string) {
		mustLoad(t, b, testPlan{name: "policies", marking: marking(ipv4(policies, nil))})
		got, err := b.Policies()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got[network.IPv4]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(got[network.IPv6]) > 0 {
			t.Errorf("IPv6, which is not marked: %v", got)
		}
	})
}

func TestTheRulesAreReadBackAsMwan3RulesShowsThem(t *testing.T) {
	want := []string{
		"    0     0 - balanced  6    --  *      *       0.0.0.0/0            0.0.0.0/0            multiport dports 443 ",
		"    0     0 S https  0    --  *      *       192.0.2.0/24         0.0.0.0/0            ",
		"    0     0 MARK       0    --  br-lan *       0.0.0.0/0            0.0.0.0/0            ",
		"    0     0 LOG        0    --  *      *       0.0.0.0/0            0.0.0.0/0            ",
		"    0     0 - policy_with_a_long_name  0    --  *      *       0.0.0.0/0            0.0.0.0/0            ",
		"    0     0 S rule_with_a_long_name  0    --  *      *       0.0.0.0/0            0.0.0.0/0            ",
	}
	policies := append(balanced(share("wan", 1, 1)), plan.Policy{Name: "policy_with_a_long_name", LastResort: config.Default})
	tied := sticky(60e9, usable("wan", 1))
	rules := []plan.Rule{
		{Name: "tcp", Proto: config.ProtoTCP, DstPorts: []config.Ports{{First: 443, Last: 443}}, Policy: "balanced"},
		{Name: "https", Src: addresses("192.0.2.0/24"), Policy: "balanced", Sticky: tied},
		{Name: "main", InDevice: "br-lan", Special: config.Default},
		{Name: "long", Log: true, Policy: "policy_with_a_long_name"},
		{Name: "rule_with_a_long_name", Policy: "balanced", Sticky: tied},
	}
	forVariants(t, func(t *testing.T, b *Backend, _ string) {
		mustLoad(t, b, testPlan{name: "rules", marking: marking(ipv4(policies, rules))})
		got, err := b.Rules(plan.FamilyMarking{Family: network.IPv4})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTheInterfacesThatMarkAreReadBackWithTheirNames(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, _ string) {
		mustLoad(t, b, planNamed(t, "long-names"))
		got, err := b.Inbound(network.IPv4)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"an_interface_with_a_name", "an_interface_with_another"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestConnectedNetworksAreInTheOrderOfTheSet(t *testing.T) {
	t.Parallel()
	inNamespace(t)
	b := backend(t, "-nft")
	if err := b.LoadSets(networks()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, line := range strings.Split(run(t, "", "ipset", "save", "mwan3_connected_ipv4"), "\n") {
		if member, found := strings.CutPrefix(line, "add mwan3_connected_ipv4 "); found {
			want = append(want, member)
		}
	}
	got, err := b.Connected(network.IPv4)
	if err != nil || len(want) != 4 {
		t.Fatal(want, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-ipset +ours):\n%s", diff)
	}
}

func TestSetsOfAddressesAreRead(t *testing.T) {
	t.Parallel()
	inNamespace(t)
	run(t, `create hosts hash:ip timeout 100
add hosts 192.0.2.1
add hosts 192.0.2.9
create masked hash:ip netmask 24
add masked 198.51.100.7
create nets hash:net family inet6
add nets 2001:db8::/32
add nets 2001:db8:9::1
create nets4 hash:net
add nets4 192.0.2.0/25
create lists list:set
add lists hosts
add lists nets4
create empty hash:net family inet6
create holes hash:net
add holes 10.0.0.0/8
add holes 10.1.0.0/16 nomatch
create ports hash:ip,port
create "an odd name" hash:net
`, "ipset", "restore")
	want := map[string]network.Set{
		"holes":       {Opaque: true},
		"ports":       {Opaque: true},
		"hosts":       {Prefixes: prefixes("192.0.2.1/32", "192.0.2.9/32")},
		"masked":      {Prefixes: prefixes("198.51.100.0/24")},
		"nets":        {Family: network.IPv6, Prefixes: prefixes("2001:db8::/32", "2001:db8:9::1/128")},
		"lists":       {Prefixes: prefixes("192.0.2.0/25", "192.0.2.1/32", "192.0.2.9/32")},
		"empty":       {Family: network.IPv6},
		"an odd name": {},
	}
	names := []string{"hosts", "masked", "nets", "lists", "empty", "holes", "ports", "an odd name", "none", "",
		"a name that is longer than any set can have"}
	got, err := ipset.Sets(names)
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
