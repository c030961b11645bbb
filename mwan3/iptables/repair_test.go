package iptables

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

func TestABadRuleIsLeftOutAndTheRestIsLoaded(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		run(t, "create six hash:net family inet6\n", "ipset", "restore")
		good := []plan.Rule{{Name: "all", Policy: "balanced"}}
		bad := []plan.Rule{
			{Name: "no_set", Set: "nosuchset", Log: true, Policy: "balanced"},
			{Name: "wrong_family", Set: "six", Policy: "balanced"},
			{Name: "portless", Proto: 1, DstPorts: []config.Ports{{First: 1, Last: 1}}, Policy: "balanced",
				Sticky: sticky(time.Minute, usable("wan", 1))},
			{Name: "far", InDevice: "a-device-name-that-is-too-long", Policy: "balanced"},
		}
		shares := balanced(share("wan", 1, 1))
		notes, err := b.Load(marking(ipv4(shares, append(bad, good...))), nil)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, note := range notes {
			part, _, _ := strings.Cut(note, ":")
			parts = append(parts, part)
		}
		want := []string{"rule no_set (ipv4) left out", "rule wrong_family (ipv4) left out", "rule portless (ipv4) left out",
			"rule far (ipv4) left out"}
		slices.Sort(parts)
		slices.Sort(want)
		if diff := cmp.Diff(want, parts); diff != "" {
			t.Errorf("notes (-want +got):\n%s\n%s", diff, strings.Join(notes, "\n"))
		}
		got := run(t, "", "iptables"+variant, "-t", "mangle", "-S", rulesChain)
		if diff := cmp.Diff("-N mwan3_rules\n-A mwan3_rules -m mark --mark 0x0/0x3f00 -j mwan3_policy_balanced\n", got); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
	})
}

// The target CT is for the table raw: the tools take it in any table, only the kernel refuses it.
func TestARuleThatOnlyTheKernelRefusesIsFound(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		p := planNamed(t, "ports")
		mustLoad(t, b, p)
		rules := build(p.marking, p.marking.Families[0])
		for _, name := range []string{"rule bad", "rule worse"} {
			rules.entries = append(rules.entries, entry{rulesChain, "-p tcp", "CT --notrack", name},
				entry{rulesChain, "-p udp", "RETURN", "rule fine"})
		}
		if diff := cmp.Diff([]string{"rule bad", "rule worse"}, b.tools[0].search(rules)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		now, err := b.tools[0].list()
		if err != nil {
			t.Fatal(err)
		}
		notes, err := b.tools[0].replace(rules, now)
		if err != nil || len(notes) != 2 {
			t.Fatalf("notes %q, error %v", notes, err)
		}
		rules = rules.without("rule bad").without("rule worse")
		want := sameRules(rules.replace(table{}).text()+Render(p.marking, network.IPv6), unchanged)
		if diff := cmp.Diff(want, sameRules(tables(t, variant), unchanged)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAVerdictChangesOnlyThePoliciesItTouches(t *testing.T) {
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		before, after := planNamed(t, "sticky"), planNamed(t, "sticky-one-offline")
		after.marking.Families = append(after.marking.Families, before.marking.Families[1])
		mustLoad(t, b, before)
		run(t, "", "iptables"+variant, "-t", "mangle", "-A", "mwan3_rules", "-m", "comment", "--comment", "mine")
		if err := b.LoadPolicies(after.marking, []string{"balanced"}); err != nil {
			t.Fatal(err)
		}
		want := sameRules(Render(after.marking, network.IPv4)+"-A mwan3_rules -m comment --comment mine\n"+
			Render(after.marking, network.IPv6), unchanged)
		if diff := cmp.Diff(want, sameRules(tables(t, variant), unchanged)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAVerdictFailsWhereSomethingOfOursIsGone(t *testing.T) {
	damages := map[string][]string{
		"jump":   {"-D", "OUTPUT", "-j", "mwan3_hook"},
		"flush":  {"-F"},
		"policy": {"-X", "mwan3_policy_balanced"},
		"sticky": {"-X", "mwan3_rule_https"},
	}
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		p := planNamed(t, "sticky")
		for name, damage := range damages {
			mustLoad(t, b, p)
			if damage[0] == "-X" {
				run(t, "", "iptables"+variant, "-t", "mangle", "-F")
				run(t, "*mangle\n-A PREROUTING -j mwan3_hook\n-A OUTPUT -j mwan3_hook\nCOMMIT\n", "iptables"+variant+"-restore", "--noflush")
			}
			run(t, "", "iptables"+variant, append([]string{"-t", "mangle"}, damage...)...)
			before := run(t, "", "iptables"+variant, "-t", "mangle", "-S")
			if err := b.LoadPolicies(p.marking, []string{"balanced"}); err == nil {
				t.Errorf("%s: no error", name)
			}
			if diff := cmp.Diff(before, run(t, "", "iptables"+variant, "-t", "mangle", "-S")); diff != "" {
				t.Errorf("%s: changed although it failed (-before +after):\n%s", name, diff)
			}
		}
		run(t, "", "iptables"+variant, "-t", "mangle", "-F")
		if loaded, err := b.Loaded(); err != nil || loaded {
			t.Errorf("loaded = %v, %v after a flush", loaded, err)
		}
	})
}
