package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
)

// fourInterfaces are a to d, ids 1 to 4, on devices eth1 to eth4.
func fourInterfaces(online string) Inputs {
	in := Inputs{
		Config:  config.Config{Globals: config.Globals{Mask: config.DefaultMask}},
		Network: network.State{Families: []network.Family{network.IPv4}, Interfaces: map[string]network.Interface{}},
		Health:  health.States{},
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		device := "eth" + string(rune('1'+i))
		in.Config.Interfaces = append(in.Config.Interfaces, config.Interface{Name: name, ID: i + 1, Enabled: true})
		in.Network.Interfaces[name] = network.Interface{Name: name, Up: true, Device: device}
		in.Health[name] = health.Offline
	}
	for _, name := range online {
		in.Health[string(name)] = health.Online
	}
	return in
}

func member(iface string, metric, weight int) config.Member {
	return config.Member{Name: iface, Interface: iface, Metric: metric, Weight: weight}
}

func TestPolicy(t *testing.T) {
	tiers := []config.Member{member("c", 2, 1), member("a", 1, 3), member("b", 1, 2), member("d", 3, 1)}
	share := func(iface string, mark uint32, weight int) Share { return Share{Mark{iface, mark}, weight} }
	out := func(iface string, mark uint32, device string) Inbound { return Inbound{Mark{iface, mark}, device} }
	for _, tt := range []struct {
		name    string
		online  string
		members []config.Member
		want    Policy
	}{
		{"the lowest metric wins wherever it stands in the list", "abcd", tiers,
			Policy{Shares: []Share{share("a", 0x100, 3), share("b", 0x200, 2)}}},
		{"what is left of a tier takes all", "bcd", tiers, Policy{Shares: []Share{share("b", 0x200, 2)}}},
		{"then the next tier", "cd", tiers, Policy{Shares: []Share{share("c", 0x300, 1)}}},
		{"with nobody online the router's own packets keep their device", "", tiers,
			Policy{Out: []Inbound{out("c", 0x300, "eth3"), out("a", 0x100, "eth1"), out("b", 0x200, "eth2"), out("d", 0x400, "eth4")}}},
		{"a member listed twice counts twice", "ab", []config.Member{member("a", 1, 1), member("a", 1, 1), member("b", 1, 3)},
			Policy{Shares: []Share{share("a", 0x100, 1), share("a", 0x100, 1), share("b", 0x200, 3)}}},
		{"metric 256 is a metric like any other", "ab", []config.Member{member("a", 256, 1), member("b", 256, 1)},
			Policy{Shares: []Share{share("a", 0x100, 1), share("b", 0x200, 1)}}},
		{"a policy without members has its last resort", "ab", nil, Policy{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := fourInterfaces(tt.online)
			in.Config.Policies = []config.Policy{{Name: "p", Members: tt.members, LastResort: config.Unreachable}}
			marking, notes := in.Marking()
			tt.want.Name, tt.want.LastResort = "p", config.Unreachable
			if diff := cmp.Diff([]Policy{tt.want}, marking.Families[0].Policies); diff != "" {
				t.Error(diff)
			}
			if len(notes) > 0 {
				t.Error(notes)
			}
		})
	}
}

func TestStickyMembersAreThoseThatAreUpWithTheLastOfTheConfigFirst(t *testing.T) {
	in := fourInterfaces("ac")
	in.Health["d"] = health.Down
	in.Config.Policies = []config.Policy{{Name: "p", LastResort: config.Default,
		Members: []config.Member{member("a", 1, 1), member("b", 1, 1), member("c", 2, 1), member("d", 1, 1)}}}
	in.Config.Rules = []config.Rule{{Name: "r", Families: []network.Family{network.IPv4}, Policy: "p", Sticky: true}}
	marking, _ := in.Marking()
	want := &Sticky{Members: []StickyMember{
		{Mark{"c", 0x300}, false}, {Mark{"b", 0x200}, false}, {Mark{"a", 0x100}, true}}}
	if diff := cmp.Diff(want, marking.Families[0].Rules[0].Sticky); diff != "" {
		t.Error(diff)
	}
}

func TestMarkingLeavesOutWhatCannotMatchAndSaysSo(t *testing.T) {
	in := fourInterfaces("a")
	both := []network.Family{network.IPv4, network.IPv6}
	in.Network.Families = both
	in.Network.Sets = map[string]network.Set{"vip": {Family: network.IPv4}}
	in.Config.Rules = []config.Rule{
		{Name: "ghost", Families: both, SrcIface: "ghost", Special: config.Default},
		{Name: "noset", Families: both, Set: "missing", Special: config.Default},
		{Name: "set", Families: both, Set: "vip", Special: config.Default},
		{Name: "icmp", Families: both, Proto: config.ProtoICMP, Policy: "nopolicy"},
	}
	marking, notes := in.Marking()
	wantNotes := []string{
		"could not find device corresponding to src_iface ghost for rule ghost",
		"rule noset: there is no ipset missing: rule left out until there is one",
	}
	if diff := cmp.Diff(wantNotes, notes); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, part := range marking.Families {
		for _, rule := range part.Rules {
			got = append(got, part.Family.String()+" "+rule.Name+" "+string(rune('0'+rule.Proto%10)))
		}
		if diff := cmp.Diff([]Policy{{Name: "nopolicy", Undefined: true}}, part.Policies); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff([]string{"ipv4 set 0", "ipv4 icmp 1", "ipv6 icmp 8"}, got); diff != "" {
		t.Error(diff)
	}
}
