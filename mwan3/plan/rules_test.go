package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
)

// twoInterfaces is a router with wan up and online, wanb taken down, wan6 not known to netifd, off disabled.
func twoInterfaces() Inputs {
	return Inputs{
		Config: config.Config{
			Globals: config.Globals{Mask: config.DefaultMask},
			Interfaces: []config.Interface{
				{Name: "wan", ID: 1, Enabled: true},
				{Name: "wan6", ID: 2, Enabled: true, Family: network.IPv6},
				{Name: "wanb", ID: 3, Enabled: true},
				{Name: "off", ID: 4},
			},
		},
		Network: network.State{
			Families: []network.Family{network.IPv4, network.IPv6},
			Interfaces: map[string]network.Interface{
				"wan":  {Name: "wan", Up: true, Device: "eth1"},
				"wanb": {Name: "wanb", Up: true, Device: "eth2"},
				"off":  {Name: "off", Up: true, Device: "eth3"},
			},
		},
		Health: health.States{"wan": health.Online, "wanb": health.Down, "off": health.Online},
	}
}

func TestRulesOfAnInterfaceThatIsDownGuardItsMark(t *testing.T) {
	var got []string
	for _, rule := range twoInterfaces().Rules() {
		got = append(got, rule.Family.String()+" "+rule.String())
	}
	want := []string{
		"ipv4 1001:\tfrom all iif eth1 lookup 1",
		"ipv4 2001:\tfrom all fwmark 0x100/0x3f00 lookup 1",
		"ipv4 2003:\tfrom all fwmark 0x300/0x3f00 lookup 3",
		"ipv4 2061:\tfrom all fwmark 0x3d00/0x3f00 blackhole",
		"ipv4 2062:\tfrom all fwmark 0x3e00/0x3f00 unreachable",
		"ipv4 3001:\tfrom all fwmark 0x100/0x3f00 unreachable",
		"ipv4 3003:\tfrom all fwmark 0x300/0x3f00 unreachable",
		"ipv6 2002:\tfrom all fwmark 0x200/0x3f00 lookup 2",
		"ipv6 2061:\tfrom all fwmark 0x3d00/0x3f00 blackhole",
		"ipv6 2062:\tfrom all fwmark 0x3e00/0x3f00 unreachable",
		"ipv6 3002:\tfrom all fwmark 0x200/0x3f00 unreachable",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOwnsKnowsOurRulesUnderMasksOfAnySize(t *testing.T) {
	for ones := 3; ones <= 14; ones++ {
		in := twoInterfaces()
		in.Config.Globals.Mask = config.Mask(1<<ones - 1)
		for _, rule := range in.Rules() {
			if !Owns(rule) {
				t.Errorf("%d bits: not owned: %s", ones, rule)
			}
		}
	}
}

func TestOwnsKnowsOurRulesFromOthers(t *testing.T) {
	for _, rule := range twoInterfaces().Rules() {
		if !Owns(rule) {
			t.Errorf("not owned: %s", rule)
		}
	}
	for name, rule := range map[string]network.Rule{
		"a VPN's rule between ours":        {Priority: 1500, Mark: 0x1, Mask: 0x1, Table: 500},
		"tailscale's":                      {Priority: 1310, Mark: 0x80000, Mask: 0xff0000, Table: 254},
		"strongSwan's":                     {Priority: 220, Table: 220},
		"a rule on our priority, all":      {Priority: 2001, Table: 1},
		"another table":                    {Priority: 2001, Mark: 0x100, Mask: 0x3f00, Table: 7},
		"a mark that is not the id's":      {Priority: 2001, Mark: 0x200, Mask: 0x3f00, Table: 1},
		"an unreachable of somebody else":  {Priority: 3500, Action: network.Unreachable},
		"one that also looks at addresses": {Priority: 1001, InDevice: "eth1", Table: 1, Other: "to 192.0.2.0/24"},
		"a blackhole for another mark":     {Priority: 2005, Mark: 0x500, Mask: 0x3f00, Action: network.Blackhole},
		"an unreachable without a mark":    {Priority: 1999, Action: network.Unreachable},
		"iif without table of the id":      {Priority: 1001, InDevice: "eth1", Table: 100},
	} {
		if Owns(rule) {
			t.Errorf("%s is taken for ours: %s", name, rule)
		}
	}
	other := network.Rule{Priority: 2005, Mark: 0x22, Mask: 0xaa, Table: 5}
	if !Owns(other) {
		t.Errorf("not owned after a change of the mask: %s", other)
	}
}

func TestOwnTablesAreThoseOfTheConfigAndOfRulesLeftBehind(t *testing.T) {
	in := twoInterfaces()
	in.Network.Rules = []network.Rule{
		{Priority: 3009, Mark: 0x900, Mask: 0x3f00, Action: network.Unreachable},
		{Priority: 2061, Mark: 0x3d00, Mask: 0x3f00, Action: network.Blackhole},
		{Priority: 2062, Mark: 0x3e00, Mask: 0x3f00, Action: network.Unreachable},
		{Priority: 3021, Mark: 0x3fd, Mask: 0x3ff, Action: network.Blackhole},
		{Priority: 2052, Table: 52},
	}
	want := map[TableKey]bool{{network.IPv4, 1}: true, {network.IPv6, 2}: true, {network.IPv4, 3}: true, {network.IPv4, 9}: true}
	if diff := cmp.Diff(want, in.OwnTables()); diff != "" {
		t.Error(diff)
	}
}
