package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
)

// flowsConfig has wan and wanb, which move and end connections, wanc, which does neither, and an IPv6 interface. Traffic
// uses the policies wan_wanb (wanc last) and, with a rule of its own, extra.
func flowsConfig(extra ...config.Member) config.Config {
	cfg := config.Config{
		Interfaces: []config.Interface{
			{Name: "wan", Enabled: true, MoveFlows: true, EndOtherFlows: true},
			{Name: "wanb", Enabled: true, MoveFlows: true, EndOtherFlows: true},
			{Name: "wanc", Enabled: true},
			{Name: "wan6", Enabled: true, Family: network.IPv6, MoveFlows: true},
			{Name: "off", MoveFlows: true, EndOtherFlows: true},
		},
		Policies: []config.Policy{
			{Name: "wan_wanb", Members: []config.Member{
				{Interface: "wanc", Metric: 3}, {Interface: "wanb", Metric: 2}, {Interface: "wan", Metric: 1},
				{Interface: "wan6", Metric: 1}, {Interface: "off", Metric: 0},
			}},
			{Name: "extra", Members: extra},
			{Name: "unused", Members: []config.Member{{Interface: "wanb"}}},
		},
		Rules: []config.Rule{
			{Policy: "wan_wanb", Families: network.Families[:]},
			{Policy: "extra", Families: network.Families[:]},
			{Policy: "unused", Families: []network.Family{network.IPv6}},
		},
	}
	return cfg
}

// states reads "wan:online wanb:offline wanc:down"; what is not named has no state.
func states(text string) health.States {
	states := health.States{}
	for _, word := range strings.Fields(text) {
		name, state, _ := strings.Cut(word, ":")
		states[name] = map[string]health.State{"online": health.Online, "offline": health.Offline}[state]
	}
	return states
}

// flowsShift is a shift after which every enabled interface was in use before, but for those that are new.
func flowsShift(cfg config.Config, before, after string, fresh ...string) shift {
	s := shift{cfg: cfg, before: states(before), after: states(after)}
	for _, iface := range cfg.Interfaces {
		if iface.Enabled && !slices.Contains(fresh, iface.Name) {
			s.inUse = append(s.inUse, plan.Carried{Interface: iface.Name})
		}
	}
	return s
}

func TestConnectionsMoveWhenTheirInterfaceFailsAndAnotherWorks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after string
		fresh, want   []string
	}{
		"a verdict":  {"wan:online wanb:online", "wan:offline wanb:online", nil, []string{"wan"}},
		"taken down": {"wan:online wanb:online", "wan:down wanb:online", nil, []string{"wan"}},
		"vanished":   {"wan:online wanb:online", "wanb:online", nil, []string{"wan"}},
		"two at once": {"wan:online wanb:online wanc:online", "wan:offline wanb:down wanc:online", nil,
			[]string{"wan", "wanb"}},
		"not asked for":        {"wanc:online wanb:online", "wanc:offline wanb:online", nil, nil},
		"nothing else works":   {"wan:online wanb:offline", "wan:offline wanb:offline", nil, nil},
		"only another family":  {"wan:online wan6:online", "wan:offline wan6:online", nil, nil},
		"only what is off":     {"wan:online off:online", "wan:offline off:online", nil, nil},
		"long offline":         {"wan:offline wanb:online", "wan:offline wanb:online wanc:online", nil, nil},
		"another one comes":    {"wan:offline wanb:offline", "wan:offline wanb:online", nil, []string{"wan"}},
		"it comes itself":      {"wan:offline wanb:down", "wan:online wanb:down", nil, []string{"wanb"}},
		"a start":              {"", "wan:offline wanb:online", nil, nil},
		"a reload brings wanb": {"wan:offline", "wan:offline wanb:online", []string{"wanb"}, nil},
		"nothing happens":      {"wan:online wanb:offline", "wan:online wanb:offline", nil, nil},
	} {
		var got []string
		for _, iface := range flowsShift(flowsConfig(), tt.before, tt.after, tt.fresh...).moved() {
			got = append(got, iface.Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestConnectionsOfStandInsEndWhenABetterInterfaceRecovers(t *testing.T) {
	t.Parallel()
	type members = []config.Member
	for name, tt := range map[string]struct {
		before, after string
		extra         members
		fresh, want   []string
	}{
		"a verdict": {"wan:offline wanb:online", "wan:online wanb:online", nil, nil, []string{"wanb for wan"}},
		"brought up": {"wanb:online wanc:online", "wan:online wanb:online wanc:online", nil, nil,
			[]string{"wanb for wan"}},
		"the last resort":      {"wanb:down wanc:online", "wanb:online wanc:online", nil, nil, []string{"wanc for wanb"}},
		"both better":          {"wanc:online", "wan:online wanb:online wanc:online", nil, nil, []string{"wanc for wan"}},
		"not asked for":        {"wanc:offline wanb:online", "wanc:online wanb:online", nil, nil, nil},
		"a worse one recovers": {"wan:online wanb:offline", "wan:online wanb:online", nil, nil, nil},
		"it has its own":       {"wan:offline wanb:online", "wan:online wanb:online", members{{Interface: "wanb", Metric: 1}}, nil, nil},
		"its own last tier": {"wan:offline wanb:online", "wan:online wanb:online",
			members{{Interface: "wanb", Metric: 2}, {Interface: "wan", Metric: 1}}, nil, []string{"wanb for wan"}},
		"its equal": {"wan:offline wanb:online", "wan:online wanb:online",
			members{{Interface: "wanb", Metric: 1}, {Interface: "wan", Metric: 1}}, nil, nil},
		"it fails meanwhile":      {"wan:offline wanb:online", "wan:online wanb:offline", nil, nil, nil},
		"a start":                 {"", "wan:online wanb:online", nil, nil, nil},
		"a reload brings wan":     {"wanb:online", "wan:online wanb:online", nil, []string{"wan"}, nil},
		"nothing happens":         {"wan:online wanb:online", "wan:online wanb:online", nil, nil, nil},
		"another family recovers": {"wan:offline wanb:online wan6:offline", "wan:offline wanb:online wan6:online", nil, nil, nil},
	} {
		var got []string
		for _, e := range flowsShift(flowsConfig(tt.extra...), tt.before, tt.after, tt.fresh...).ended() {
			got = append(got, e.iface.Name+" for "+e.recovered.Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRefusedConnectionsAreForgottenInTheFamilyThatHasAnInterfaceAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, after string
		want          []network.Family
	}{
		"a verdict":   {"wan:offline wan6:offline", "wan:offline wan6:online", []network.Family{network.IPv6}},
		"another one": {"wan:online wanb:offline", "wan:online wanb:online", []network.Family{network.IPv4}},
		"a start":     {"", "wan:online wan6:online", network.Families[:]},
		"a failure":   {"wan:online wan6:online", "wan:offline wan6:down", nil},
		"off":         {"", "off:online", nil},
	} {
		got := flowsShift(flowsConfig(), tt.before, tt.after, "wan", "wanb", "wanc", "wan6").refreshed()
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
