package nft

import (
	"testing"

	"mwan3/config"
	"mwan3/plan"
)

func TestPoliciesAreReadBackAsUpstreamShowsThem(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := bothFamilies()
	e.marking.Families[0].Policies = append(lastResorts().marking.Families[0].Policies[1:], e.marking.Families[0].Policies...)
	e.marking.Families[0].Policies[3].Shares = append(e.marking.Families[0].Policies[3].Shares, share(1, 1))
	load(t, b, e.marking, e.sets)
	got, err := b.Policies()
	must(t, err)
	same(t, "ipv4", []plan.PolicyView{
		{Name: "balanced", Members: []plan.MemberView{{Interface: "wan1", Percent: 14}, {Interface: "wan2", Percent: 42}, {Interface: "wan1", Percent: 42}}},
		{Name: "hole", LastResort: string(config.Blackhole)},
		{Name: "main", LastResort: string(config.Default)},
		{Name: "unknown"},
		{Name: "wan_only", Members: []plan.MemberView{{Interface: "wan1", Percent: 100}}},
	}, got[v4])
	same(t, "ipv6", []plan.PolicyView{
		{Name: "balanced", Members: []plan.MemberView{{Interface: "wan6", Percent: 100}}},
		{Name: "wan_only", LastResort: string(config.Unreachable)},
	}, got[v6])
}

func TestConnectedNetworksAndInterfacesAreReadBack(t *testing.T) {
	t.Parallel()
	b := alone(t)
	e := bothFamilies()
	load(t, b, e.marking, e.sets)
	connected, err := b.Connected(v4)
	must(t, err)
	same(t, "connected", []string{"10.1.0.0/24", "127.0.0.0/8", "224.0.0.0/3"}, connected)
	connected, err = b.Connected(v6)
	must(t, err)
	same(t, "connected", []string{"2001:db8:1::/48", "fe80::/64"}, connected)
	interfaces, err := b.Inbound(v4)
	must(t, err)
	same(t, "interfaces", []string{"wan1", "wan2"}, interfaces)
}

func TestReadingWithoutATableFindsNothing(t *testing.T) {
	t.Parallel()
	b := alone(t)
	policies, err1 := b.Policies()
	rules, err2 := b.counters(v4)
	connected, err3 := b.Connected(v4)
	interfaces, err4 := b.Inbound(v4)
	loaded, err5 := b.Loaded()
	for _, err := range []error{err1, err2, err3, err4, err5} {
		must(t, err)
	}
	if len(policies[v4]) > 0 || rules != nil || connected != nil || interfaces != nil || loaded {
		t.Errorf("found %v %v %v %v %v", policies, rules, connected, interfaces, loaded)
	}
}

func TestElementsAreReadWhateverNftAddsToThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                      nil,
		"elements = { 10.0.0.1": nil,
		"set x {\n\ttype ipv4_addr\n\telements = { 10.0.0.0/8,\n\t\t192.0.2.1 timeout 1s expires 5ms, 1.2.3.4 counter packets 1 bytes 2 comment \"x\" }\n}": {"10.0.0.0/8", "192.0.2.1", "1.2.3.4"},
		"elements = { 224.0.0.0-255.255.255.255, 10.0.0.1-10.0.0.2, 0.0.0.0-255.255.255.255, ::-::1, 10.0.0.0-::, x-y }":                                    {"224.0.0.0/3", "10.0.0.1-10.0.0.2", "0.0.0.0/0", "::/127", "10.0.0.0-::", "x-y"},
	} {
		same(t, text, want, parseElements(text))
	}
}

func TestTheToolAloneIsEnoughToRead(t *testing.T) {
	t.Parallel()
	load(t, alone(t), bothFamilies().marking, nil)
	b, err := Find()
	must(t, err)
	loaded, err := b.Loaded()
	must(t, err)
	if !loaded {
		t.Error("the table is not seen")
	}
}

func TestAMissingToolIsNamed(t *testing.T) {
	t.Parallel()
	_, err := find("no-such-nft", "/no/such/folder", "/sbin")
	if want := `find tool no-such-nft in /no/such/folder, /sbin: exec: "no-such-nft": executable file not found in $PATH`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func FuzzAnyListingIsReadWithoutHarm(f *testing.F) {
	f.Add("table inet mwan3 {\n\tset a {\n\t\ttype ipv4_addr\n\t}\n\tchain mwan3_policy_x_ipv4 {\n\t\tnumgen random mod 3 < 1 goto mwan3_to_a_ipv4\n\t\tgoto mwan3_to_b_ipv4\n\t}\n}")
	f.Add("chain mwan3_rules_ipv4 {\ncounter packets 1 bytes 2 goto x comment \"y\"\n}")
	f.Add("elements = { 0.0.0.0-255.255.255.255 }")
	f.Fuzz(func(t *testing.T, text string) {
		have := parseTable(text)
		for _, policy := range parsePolicies(have, v4) {
			for _, share := range policy.Members {
				if share.Percent < 0 || share.Percent > 100 {
					t.Errorf("%+v", policy)
				}
			}
		}
		for _, line := range have.chains[rulesName(v4)].lines {
			parseCounter(line)
		}
		parseElements(text)
	})
}
