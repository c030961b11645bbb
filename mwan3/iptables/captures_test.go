package iptables

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// upstream's decisions for the stock configuration with its four interfaces enabled, before and after wan failed.
func stock(wanOnline bool) plan.Marking {
	wan, wanb := share("wan", 1, 3), share("wanb", 3, 3)
	wan6, wanb6 := share("wan6", 2, 3), share("wanb6", 4, 3)
	four := stockPolicies([]plan.Share{wan}, []plan.Share{share("wanb", 3, 2)}, []plan.Share{wan, wanb})
	six := stockPolicies([]plan.Share{wan6}, []plan.Share{share("wanb6", 4, 2)}, []plan.Share{wan6, wanb6})
	if !wanOnline {
		four = stockPolicies(nil, []plan.Share{share("wanb", 3, 2)}, []plan.Share{wanb})
		four[0].Out = []plan.Inbound{inbound("wan", 1, "wan0")}
		four[3].Shares = four[1].Shares
	}
	https := plan.Rule{Name: "https", Proto: config.ProtoTCP, DstPorts: []config.Ports{{First: 443, Last: 443}}, Policy: "balanced"}
	return marking(
		ipv4(four, []plan.Rule{https, {Name: "default_rule_v4", Dst: addresses("0.0.0.0/0"), Policy: "balanced"}}),
		ipv6(six, []plan.Rule{https, {Name: "default_rule_v6", Dst: addresses("::/0"), Policy: "balanced"}}))
}

func stockPolicies(first, second, both []plan.Share) []plan.Policy {
	return []plan.Policy{
		{Name: "wan_only", Shares: first, LastResort: config.Unreachable},
		{Name: "wanb_only", Shares: second, LastResort: config.Unreachable},
		{Name: "balanced", Shares: both, LastResort: config.Unreachable},
		{Name: "wan_wanb", Shares: first, LastResort: config.Unreachable},
		{Name: "wanb_wan", Shares: second, LastResort: config.Unreachable},
	}
}

// upstream's decisions for every last_resort, before and after wan failed. Here wanb has id 2 and wan6 id 3.
func lastResorts(wanOnline bool) plan.Marking {
	four, six := lastResortPolicies(), lastResortPolicies()
	for i := range four {
		switch {
		case four[i].Name == "p_mix":
			four[i].Shares = []plan.Share{share("wanb", 2, 2)}
		case !slices.Contains([]string{"p_unset", "p_unr", "p_bh", "p_def", "p_junk"}, four[i].Name):
		case wanOnline:
			four[i].Shares = []plan.Share{share("wan", 1, 3)}
		default:
			four[i].Out = []plan.Inbound{inbound("wan", 1, "wan0")}
		}
	}
	four = append(four, plan.Policy{Name: "ghost", Undefined: true})
	all := plan.Rule{Name: "r_all", Policy: "p_def"}
	return marking(plan.FamilyMarking{
		Family: network.IPv4, Policies: four, Rules: append(lastResortRules(), all),
		Inbound: []plan.Inbound{inbound("wan", 1, "wan0"), inbound("wanb", 2, "wan1")},
	}, plan.FamilyMarking{
		Family: network.IPv6, Policies: six, Rules: []plan.Rule{all},
		Inbound: []plan.Inbound{inbound("wan6", 3, "wan0")},
	})
}

func lastResortPolicies() []plan.Policy {
	return []plan.Policy{
		{Name: "p_unset", LastResort: config.Unreachable}, {Name: "p_unr", LastResort: config.Unreachable},
		{Name: "p_bh", LastResort: config.Blackhole}, {Name: "p_def", LastResort: config.Default},
		{Name: "p_junk", LastResort: config.Unreachable}, {Name: "p_empty", LastResort: config.Unreachable},
		{Name: "p_empty_bh", LastResort: config.Blackhole}, {Name: "p_big", LastResort: config.Unreachable},
		{Name: "p_none", LastResort: config.Unreachable}, {Name: "p_mix", LastResort: config.Blackhole},
	}
}

func lastResortRules() []plan.Rule {
	return []plan.Rule{
		{Name: "r_def", Dst: addresses("203.0.1.0/24"), Special: config.Default},
		{Name: "r_unr", Dst: addresses("203.0.2.0/24"), Special: config.Unreachable},
		{Name: "r_bh", Dst: addresses("203.0.3.0/24"), Special: config.Blackhole},
		{Name: "r_ghost", Dst: addresses("203.0.5.0/24"), Policy: "ghost"},
		{Name: "r_pbh", Dst: addresses("203.0.6.0/24"), Policy: "p_bh"},
	}
}

// The files in testdata/upstream are what iptables-save printed on routers with upstream 2.12.2. Upstream cuts
// probabilities to three digits and starts interfaces in any order.
func TestTheTableIsUpstreamsForTheSameDecisions(t *testing.T) {
	decisions := map[string]plan.Marking{
		"stock-nosticky-1": stock(true), "stock-nosticky-2": stock(false),
		"lastresort-1": lastResorts(true), "lastresort-2": lastResorts(false),
	}
	forVariants(t, func(t *testing.T, b *Backend, variant string) {
		for name, m := range decisions {
			recorded, err := os.ReadFile("testdata/upstream/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			mustLoad(t, b, testPlan{name: name, marking: m})
			want := sortedJumps(sameRules(string(recorded), cutProbability))
			got := sortedJumps(sameRules(tables(t, variant), cutProbability))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-upstream +ours):\n%s", name, diff)
			}
		}
	})
}

// cutProbability keeps one digit.
func cutProbability(line string) string {
	return regexp.MustCompile(`(--probability 0\.\d)\d*`).ReplaceAllString(line, "$1")
}

// sortedJumps sorts the jumps of mwan3_ifaces_in.
func sortedJumps(lines []string) []string {
	slices.SortStableFunc(lines, func(a, b string) int {
		if c := strings.Compare(chainOf(a), chainOf(b)); c != 0 || chainOf(a) != "-A "+ifacesIn {
			return c
		}
		return strings.Compare(a, b)
	})
	return lines
}
