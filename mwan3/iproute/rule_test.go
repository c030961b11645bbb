package iproute

import (
	"fmt"
	"strings"
	"testing"

	"mwan3/network"
)

func rules(t testing.TB, h *Handle) []network.Rule {
	t.Helper()
	rules, err := h.Rules()
	succeed(t, err)
	return rules
}

// kernelRules are those that every namespace begins with.
var kernelRules = []network.Rule{
	{Table: network.TableLocal},
	{Priority: 32766, Table: network.TableMain},
	{Priority: 32767, Table: network.TableDefault},
	{Family: network.IPv6, Table: network.TableLocal},
	{Family: network.IPv6, Priority: 32766, Table: network.TableMain},
}

func TestOwnRulesComeBackAsTheyWentInAndReadAsInIP(t *testing.T) {
	newNamespace(t)
	h := open(t)
	before := rules(t, h)
	expect(t, "the kernel's rules", before, kernelRules)
	var own []network.Rule
	for _, f := range network.Families {
		own = append(own,
			network.Rule{Family: f, Priority: 1001, InDevice: "wan0", Table: 1},
			network.Rule{Family: f, Priority: 1002, InDevice: "gone9", Table: 300},
			network.Rule{Family: f, Priority: 2001, Mark: 0x100, Mask: 0x3f00, Table: 1},
			network.Rule{Family: f, Priority: 2002, Mask: 0x3f00, Table: 1},
			network.Rule{Family: f, Priority: 2061, Mark: 0x3d00, Mask: 0x3f00, Action: network.Blackhole},
			network.Rule{Family: f, Priority: 2062, Mark: 0x3e00, Mask: 0x3f00, Action: network.Unreachable},
			network.Rule{Family: f, Priority: 3001, Mark: 0x80000000, Mask: 0xffffffff, Action: network.Prohibit},
		)
	}
	for range 2 {
		succeed(t, h.EditRules(own, nil))
		_, missing := network.DiffRules(own, rules(t, h))
		expect(t, "missing", missing, []network.Rule(nil))
		expectRulesAsInIP(t, h)
	}
	for range 2 {
		succeed(t, h.EditRules(nil, own))
		expect(t, "after deletion", rules(t, h), before)
	}
}

// expectRulesAsInIP compares all rules with what ip prints.
func expectRulesAsInIP(t *testing.T, h *Handle) {
	t.Helper()
	var got []string
	for _, r := range rules(t, h) {
		got = append(got, r.String())
	}
	expect(t, "ip rule", got, append(ipLines(t, "-4 rule"), ipLines(t, "-6 rule")...))
}

func TestForeignRulesAreListedInIPsWordsAndNeverEdited(t *testing.T) {
	newNamespace(t)
	h := open(t)
	foreign := []string{
		"from 192.0.2.0/24 lookup 7",
		"from all to 192.0.2.1 lookup 7",
		"not from all fwmark 0xca6c lookup 51820",
		"from all lookup main suppress_prefixlength 0",
		"from all oif eth9 prohibit",
		"from all ipproto tcp sport 5-10 dport 80 lookup 9",
		"from all uidrange 0-10 lookup 9",
		"from all goto 32766",
		"from all nop",
		"from all tos 0x10 lookup 9",
		"from all tun_id 5 lookup 9",
		"from 192.0.2.0/24 lookup 7 realms 3/4",
		"from 192.0.2.0/24 to 198.51.100.0/24 tos 0x08 fwmark 0x5/0xff iif a oif b uidrange 1-2 ipproto udp dport 53 lookup 300 suppress_prefixlength 8 suppress_ifgroup 3",
	}
	for i, text := range foreign {
		ip(t, fmt.Sprintf("rule add pref %d %s", 10+i, text))
	}
	ip(t, "rule add pref 40 l3mdev")
	ip(t, "-6 rule add pref 41 from 2001:db8::/32 ipproto ipv6-icmp lookup 9")
	expectRulesAsInIP(t, h)
	for _, r := range rules(t, h) {
		if isForeign := r.Priority >= 10 && r.Priority <= 41; isForeign != (r.Other != "") {
			t.Errorf("%s: Other is %q", r, r.Other)
		}
		if r.Other != "" {
			expectError(t, h.EditRules(nil, []network.Rule{r}), fmt.Sprintf("delete rule %s: not a rule of ours", r))
		}
	}
	expectRulesAsInIP(t, h)
}

func TestWhoMadeARuleIsNoDifference(t *testing.T) {
	newNamespace(t)
	h := open(t)
	ip(t, "rule add pref 2001 fwmark 0x100/0x3f00 lookup 1 protocol static")
	own := network.Rule{Priority: 2001, Mark: 0x100, Mask: 0x3f00, Table: 1}
	add, _ := network.DiffRules(rules(t, h), []network.Rule{own})
	expect(t, "add", add, []network.Rule(nil))
	succeed(t, h.EditRules(nil, []network.Rule{own}))
	expect(t, "rules", rules(t, h), kernelRules)
}

func TestDeletingARuleSparesForeignOnesThatResembleIt(t *testing.T) {
	newNamespace(t)
	h := open(t)
	ip(t, "rule add pref 2001 from 192.0.2.0/24 fwmark 0x100/0x3f00 lookup 1")
	ip(t, "rule add pref 2001 fwmark 0x100/0x3f00 iif wan0 lookup 1")
	own := network.Rule{Priority: 2001, Mark: 0x100, Mask: 0x3f00, Table: 1}
	want := ip(t, "rule")
	for range 2 {
		succeed(t, h.EditRules([]network.Rule{own}, nil))
		succeed(t, h.EditRules(nil, []network.Rule{own}))
		expect(t, "ip rule", ip(t, "rule"), want)
	}
	succeed(t, h.EditRules(nil, []network.Rule{own}))
	expect(t, "ip rule", ip(t, "rule"), want)
}

func TestADuplicateOfARuleGoesToo(t *testing.T) {
	newNamespace(t)
	h := open(t)
	ip(t, "rule add pref 2001 fwmark 0x100/0x3f00 lookup 1")
	ip(t, "rule add pref 2001 fwmark 0x100/0x3f00 lookup 1 protocol static")
	_, del := network.DiffRules(rules(t, h), kernelRules)
	succeed(t, h.EditRules(nil, del))
	expect(t, "rules", rules(t, h), kernelRules)
}

func TestARuleThatTheKernelRefusesIsNamedAndTheRestGoesIn(t *testing.T) {
	newNamespace(t)
	h := open(t)
	good := network.Rule{Priority: 1001, InDevice: "wan0", Table: 1}
	long := network.Rule{Priority: 1002, InDevice: strings.Repeat("x", 16), Table: 2}
	err := h.EditRules([]network.Rule{long, good}, nil)
	expectRefusal(t, err, "add rule 1002:\tfrom all iif xxxxxxxxxxxxxxxx lookup 2: numerical result out of range")
	add, _ := network.DiffRules(rules(t, h), []network.Rule{good})
	expect(t, "missing", add, []network.Rule(nil))
}
