package iptables

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/network"
	"mwan3/plan"
)

// manyNets returns different /32 networks.
func manyNets(count int) []netip.Prefix {
	var list []netip.Prefix
	for i := range count {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		list = append(list, netip.PrefixFrom(addr, 32))
	}
	return list
}

func connected(list []netip.Prefix) []plan.Set {
	return []plan.Set{{Kind: plan.Connected, Prefixes: list}}
}

func TestSetsFollowThePlan(t *testing.T) {
	t.Parallel()
	inNamespace(t)
	b := backend(t, "-nft")
	for _, list := range [][]netip.Prefix{
		prefixes("192.0.2.0/24", "10.0.0.1/32"), prefixes("10.0.0.0/8", "10.0.0.1/32", "10.1.0.0/16"), nil,
		manyNets(5000), manyNets(1200)[700:],
	} {
		if err := b.LoadSets(connected(list)); err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, p := range list {
			want = append(want, memberString(p))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, members(t, "mwan3_connected_ipv4")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestANetworkOfEverythingIsStoredAsItsHalves(t *testing.T) {
	t.Parallel()
	inNamespace(t)
	sets := []plan.Set{
		{Kind: plan.Custom, Prefixes: prefixes("0.0.0.0/0", "192.0.2.0/24")},
		{Kind: plan.Custom, Family: network.IPv6, Prefixes: prefixes("::/0")},
	}
	if err := backend(t, "-nft").LoadSets(sets); err != nil {
		t.Fatal(err)
	}
	got := append(members(t, "mwan3_custom_ipv4"), members(t, "mwan3_custom_ipv6")...)
	if diff := cmp.Diff([]string{"0.0.0.0/1", "128.0.0.0/1", "192.0.2.0/24", "8000::/1", "::/1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestASetGrowsUnderTheRulesThatUseIt(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		mustLoad(t, b, planNamed(t, "balanced"))
		before := tables(t, variant)
		if err := b.LoadSets(connected(manyNets(65536 + 1))); err != nil {
			t.Fatal(err)
		}
		if got := len(members(t, "mwan3_connected_ipv4")); got != 65536+1 {
			t.Errorf("%d members, want %d", got, 65536+1)
		}
		if diff := cmp.Diff(before, tables(t, variant)); diff != "" {
			t.Errorf("the rules changed (-before +after):\n%s", diff)
		}
		if slices.Contains(setNames(t), "mwan3_connected_ipv4_temp") {
			t.Error("the temporary set is still there")
		}
	})
}

func TestDynamicSetsAreMadeOnceAndThenLeftAlone(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, _ string) {
		mustLoad(t, b, planNamed(t, "balanced"))
		kinds := run(t, "", "ipset", "list", "-t")
		for _, header := range []string{"Name: mwan3_dynamic_ipv4\nType: list:set\n", "Header: size 8\n",
			"Name: mwan3_dynamic_ipv6\nType: hash:net\n", "family inet6 hashsize 1024 maxelem 65536"} {
			if !strings.Contains(kinds, header) {
				t.Errorf("no %q in:\n%s", header, kinds)
			}
		}
		run(t, `create lan hash:net
add lan 192.0.2.0/24
add mwan3_dynamic_ipv4 lan
add mwan3_dynamic_ipv6 2001:db8::/32
`, "ipset", "restore")
		for _, p := range []testPlan{planNamed(t, "sticky"), planNamed(t, "balanced")} {
			mustLoad(t, b, p)
		}
		want := []string{"add mwan3_dynamic_ipv4 lan", "add mwan3_dynamic_ipv6 2001:db8::/32"}
		var got []string
		for _, line := range strings.Split(run(t, "", "ipset", "save"), "\n") {
			if strings.HasPrefix(line, "add mwan3_dynamic") {
				got = append(got, line)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestASetOfAnotherProgramThatIsInUseIsNamed(t *testing.T) {
	t.Parallel()
	inNamespace(t)
	run(t, "create mwan3_custom_ipv4 hash:ip\ncreate user list:set\nadd user mwan3_custom_ipv4\n", "ipset", "restore")
	err := backend(t, "-nft").LoadSets([]plan.Set{{Kind: plan.Custom}, {Kind: plan.Connected, Prefixes: prefixes("192.0.2.0/24")}})
	want := "destroy set mwan3_custom_ipv4: Device or resource busy. (it is a hash:ip of another program)"
	if got := fmt.Sprint(err); !strings.HasPrefix(got, "destroy set mwan3_custom_ipv4: ") || !strings.HasSuffix(got, "(it is a hash:ip of another program)") {
		t.Errorf("error %q, want about %q", got, want)
	}
	if diff := cmp.Diff([]string{"192.0.2.0/24"}, members(t, "mwan3_connected_ipv4")); diff != "" {
		t.Errorf("the other set (-want +got):\n%s", diff)
	}
}
