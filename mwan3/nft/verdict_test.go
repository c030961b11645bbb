package nft

import (
	"strings"
	"testing"

	"mwan3/config"
	"mwan3/plan"
)

func TestAVerdictMakesTheSameTableAsAFullLoad(t *testing.T) {
	t.Parallel()
	b := alone(t)
	verdicts := []example{}
	for _, e := range examples() {
		if strings.HasPrefix(e.name, "sticky") && e.name != "sticky-one-gone" {
			verdicts = append(verdicts, e)
		}
	}
	down := verdicts[0]
	down.marking = marking(v4, []plan.Policy{{Name: "balanced", Out: []plan.Inbound{inbound(1), inbound(2)}, LastResort: config.Blackhole}},
		sticky(plan.StickyMember{Mark: wan(2)}, plan.StickyMember{Mark: wan(1)}), all())
	verdicts = append(verdicts, down)
	for _, from := range verdicts {
		for _, to := range verdicts {
			load(t, b, to.marking, to.sets)
			want := tableOf(t, b)
			load(t, b, from.marking, from.sets)
			must(t, b.LoadPolicies(to.marking, []string{"balanced"}))
			same(t, from.name+" → "+to.name, want, tableOf(t, b))
		}
	}
}

func TestAVerdictTouchesOnlyTheGivenPolicies(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := bothFamilies()
	load(t, b, e.marking, e.sets)
	want := tableOf(t, b)
	e.marking.Families[0].Policies[0].Shares = nil
	e.marking.Families[0].Policies[1].Shares = nil
	must(t, b.LoadPolicies(e.marking, []string{"wan_only"}))
	want.chains["mwan3_policy_wan_only_ipv4"] = object{kind: "chain", lines: []string{"goto mwan3_unreachable"}}
	same(t, "the table", want, tableOf(t, b))
}

func TestAVerdictFailsAndChangesNothingWhenSomethingIsMissing(t *testing.T) {
	e := bothFamilies()
	for name, test := range map[string]struct{ bend, policy, want string }{
		"table":  {"delete table inet mwan3", "wan_only", "flush chain inet mwan3 mwan3_policy_wan_only_ipv4"},
		"chain":  {"flush table inet mwan3\ndelete chain inet mwan3 mwan3_policy_balanced_ipv6", "balanced", "flush chain inet mwan3 mwan3_policy_balanced_ipv6"},
		"sticky": {"flush table inet mwan3\ndelete chain inet mwan3 mwan3_rule_https_ipv4", "balanced", "flush chain inet mwan3 mwan3_rule_https_ipv4"},
		"mark":   {"flush table inet mwan3\nflush map inet mwan3 mwan3_restore_ipv4\ndelete chain inet mwan3 mwan3_to_wan1_ipv4", "balanced", "mwan3_to_wan1_ipv4"},
		"plan":   {"", "no_such", "load policies no_such: policy no_such is not in the plan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := alone(t)
			load(t, b, e.marking, e.sets)
			command(t, b, test.bend)
			before := listing(t, b)
			err := b.LoadPolicies(e.marking, []string{test.policy})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v lacks %q", err, test.want)
			}
			same(t, "the table", before, listing(t, b))
		})
	}
}
