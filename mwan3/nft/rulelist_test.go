package nft

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// listed is a rule with the arguments that upstream gives iptables for it, and what its counters are.
type listed struct {
	rule           plan.Rule
	args           string
	target         string
	packets, bytes uint64
}

func listedRules(f network.Family) []listed {
	net, host, long := "192.168.1.0/24", "203.0.113.7/32", "255.255.255.255/32"
	icmp := "icmp"
	if f == v6 {
		net, host, long = "fd00::/8", "2001:db8::7/128", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/128"
		icmp = "ipv6-icmp"
	}
	second, third := "10.0.0.0/8", "198.51.100.9/32"
	if f == v6 {
		second, third = "2001:db8:1::/48", "2001:db8::9/128"
	}
	port := func(n uint16) []config.Ports { return []config.Ports{{First: n, Last: n}} }
	return []listed{
		{plan.Rule{Proto: 6, DstPorts: port(443), Policy: "balanced"}, "-p tcp -m multiport --dports 443", "mwan3_policy_balanced", 0, 0},
		{plan.Rule{Src: addresses(net), Dst: addresses(host), InDevice: "br-lan", Proto: 17, SrcPorts: port(500),
			DstPorts: append(port(53), config.Ports{First: 1000, Last: 2000}), Set: "tv", Policy: "a"},
			"-s " + net + " -d " + host + " -i br-lan -p udp -m set --match-set tv dst -m multiport --sports 500 -m multiport --dports 53,1000:2000", "mwan3_policy_a", 99999, 100000},
		{plan.Rule{Src: not(addresses(net)), Dst: not(addresses(host)), Proto: config.ProtoICMP, Name: "https", Policy: "x", Sticky: &plan.Sticky{}},
			"! -s " + net + " ! -d " + host + " -p " + icmp, "mwan3_rule_https", 9999499, 9999500},
		{plan.Rule{InDevice: "verylongdevice1", Special: config.Default}, "-i verylongdevice1", "MARK --set-xmark 0x3f00/0x3f00", 100499, 100500},
		{plan.Rule{Src: addresses(long), Dst: addresses(long), Proto: 136, Policy: "fifteen_letters"}, "-s " + long + " -d " + long + " -p 136", "mwan3_policy_fifteen_letters", 9999499999, 9999500000},
		{plan.Rule{Src: addresses("0.0.0.0/0"), Proto: 47, Special: config.Unreachable}, "-p 47", "MARK --set-xmark 0x3e00/0x3f00", 9999499999999, 9999500000000},
		{plan.Rule{Set: "tv", Policy: "a"}, "-m set --match-set tv dst", "mwan3_policy_a", 1, 9999999999999999},
		{plan.Rule{DstPorts: []config.Ports{{First: 1, Last: 65535}}, Proto: 6, Policy: "a"}, "-p tcp -m multiport --dports 1:65535", "mwan3_policy_a", 12345, 123456},
		{plan.Rule{Src: addresses(net, second, third), Dst: addresses(host, third), Proto: 6, SrcPorts: []config.Ports{{First: 1, Last: 9}, {First: 20, Last: 20}},
			DstPorts: []config.Ports{{First: 443, Last: 443}, {First: 80, Last: 90}, {First: 25, Last: 25}}, Policy: "a"},
			"-s " + net + "," + second + "," + third + " -d " + host + "," + third + " -p tcp -m multiport --sports 1:9,20 -m multiport --dports 443,80:90,25", "mwan3_policy_a", 98765, 987654},
		{plan.Rule{Dst: addresses(third, host), Policy: "a"}, "-d " + third + "," + host, "mwan3_policy_a", 3, 4},
	}
}

// counters are the plain rules of the rule. Each of iptables' lines has the counters that were given; where a line stands for
// several plain rules, these share them.
func (l listed) counters(f network.Family, log bool) []counter {
	var counters []counter
	parts := uint64(len(protocol(l.rule, f)))
	for range max(1, len(l.rule.Src.Prefixes)) * max(1, len(l.rule.Dst.Prefixes)) {
		first := counter{l.rule.Name, log, l.packets - l.packets/parts*(parts-1), l.bytes - l.bytes/parts*(parts-1)}
		counters = append(counters, first)
		for range parts - 1 {
			counters = append(counters, counter{l.rule.Name, log, l.packets / parts, l.bytes / parts})
		}
	}
	return counters
}

// TestRulesAreListedLikeIptablesLists compares with the real tool, cut and renamed as `mwan3 rules` does it.
func TestRulesAreListedLikeIptablesLists(t *testing.T) {
	for _, f := range network.Families {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			alone(t)
			tool, inet := "iptables", "inet"
			if f == v6 {
				tool, inet = "ip6tables", "inet6"
			}
			tell(t, "ipset create tv hash:net family "+inet)
			tell(t, tool+" -t mangle -N mwan3_rules")
			var rules []plan.Rule
			var counters []counter
			for i, l := range listedRules(f) {
				if l.rule.Name == "" {
					l.rule.Name = fmt.Sprint("rule", i)
				}
				if f == v6 && l.rule.Proto == 47 {
					l.rule.Src = addresses("::/0")
				}
				if strings.HasPrefix(l.target, ours) {
					_ = exec.Command(tool, "-t", "mangle", "-N", l.target).Run() // it may exist
				}
				if f == v6 { // ip6tables with nftables below it ignores -c
					l.packets, l.bytes = 0, 0
				}
				counts := fmt.Sprintf(" -c %d %d", l.packets, l.bytes)
				if i%2 == 0 {
					l.rule.Log = true
					tell(t, tool+" -t mangle -A mwan3_rules "+l.args+" -m mark --mark 0/0x3f00 -j LOG"+counts)
					counters = append(counters, l.counters(f, true)...)
				}
				tell(t, tool+" -t mangle -A mwan3_rules "+l.args+" -m mark --mark 0/0x3f00 -j "+l.target+counts)
				rules = append(rules, l.rule)
				counters = append(counters, l.counters(f, false)...)
			}
			same(t, "lines", cut(tell(t, tool+" -t mangle -L mwan3_rules -n -v")), listRules(f, rules, counters))
		})
	}
}

// cut does what upstream does with the output of iptables (contracts 4).
func cut(out string) []string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n")[2:] {
		line, _, _ = strings.Cut(line, "mark")
		line = strings.Replace(line, "mwan3_policy_", "- ", 1)
		lines = append(lines, strings.Replace(line, "mwan3_rule_", "S ", 1))
	}
	return lines
}

// tell runs a command of words.
func tell(t testing.TB, line string) string {
	t.Helper()
	words := strings.Fields(line)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
	return string(out)
}

func TestWhatIptablesCannotSayInOneRuleIsOneLineWithCommas(t *testing.T) {
	t.Parallel()
	rules := []plan.Rule{{Name: "r", Src: not(addresses("10.0.0.0/8", "192.0.2.1/32")), Policy: "p"}}
	got := listRules(v4, rules, []counter{{Rule: "r", Packets: 1, Bytes: 2}})
	same(t, "lines", []string{"    1     2 - p  0    --  *      *      !10.0.0.0/8,192.0.2.1  0.0.0.0/0            "}, got)
}

func TestARuleThatIsNotInTheKernelHasNoLine(t *testing.T) {
	t.Parallel()
	rules := []plan.Rule{{Name: "gone", Log: true, Policy: "p"}, {Name: "r", Dst: addresses("10.0.0.0/8", "192.0.2.1/32"), Policy: "p"}}
	got := listRules(v4, rules, []counter{{Rule: "r", Packets: 7, Bytes: 8}})
	same(t, "lines", []string{
		"    7     8 - p  0    --  *      *       0.0.0.0/0            10.0.0.0/8           ",
		"    0     0 - p  0    --  *      *       0.0.0.0/0            192.0.2.1            ",
	}, got)
}

func TestCountersAreReadFromTheKernelInTheOrderOfTheRules(t *testing.T) {
	t.Parallel()
	b := alone(t)
	m := matches().marking
	load(t, b, m, nil)
	got, err := b.counters(v4)
	must(t, err)
	same(t, "counters", []counter{{Rule: "lan", Log: true}, {Rule: "lan", Log: true}, {Rule: "lan"}, {Rule: "lan"}, {Rule: "lists"}, {Rule: "lists"}, {Rule: "lists"},
		{Rule: "nobody"}, {Rule: "anybody"}, {Rule: "anybody"}, {Rule: "ping", Log: true}, {Rule: "ping"}}, got)
	lines, err := b.Rules(m.Families[0])
	must(t, err)
	if len(lines) != 10 {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

func TestEachLineCountsItsOwnPackets(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	m := marking(v4, balanced(share(1, 1)), plan.Rule{Name: "r", Src: addresses("192.168.1.2/32", "192.168.1.3/32"), Dst: addresses("203.0.113.7/32", "203.0.113.8/32"),
		Proto: 17, DstPorts: []config.Ports{{First: 7000, Last: 7000}, {First: 7001, Last: 7009}}, Policy: "balanced"})
	load(t, l, m, nil)
	for to, n := range map[string]int{"203.0.113.7:7000": 1, "203.0.113.7:7005": 2, "203.0.113.8:7009": 4} {
		l.fromClient("192.168.1.3", to, n, 1)
	}
	l.seen("o_ipv4", 7)
	lines, err := l.Rules(m.Families[0])
	must(t, err)
	same(t, "lines", []string{
		"    0     0 - balanced  17   --  *      *       192.168.1.2          203.0.113.7          multiport dports 7000,7001:7009 ",
		"    0     0 - balanced  17   --  *      *       192.168.1.2          203.0.113.8          multiport dports 7000,7001:7009 ",
		"    3    99 - balanced  17   --  *      *       192.168.1.3          203.0.113.7          multiport dports 7000,7001:7009 ",
		"    4   132 - balanced  17   --  *      *       192.168.1.3          203.0.113.8          multiport dports 7000,7001:7009 ",
	}, lines)
}
