package upstream

import "regexp"

// difference is a way in which we mean to differ from upstream: lines (upstream's begin with -, ours with +) of some
// parts of some records. All three are regular expressions that must match as a whole.
type difference struct{ why, record, part, line string }

// Records that have an interface of this family that goes down and comes up.
const (
	withIPv4 = `badrule|failover|family|ipset|lastresort|logging|mask-5bit|mask-ff00|names|ports|srciface|stock-nosticky|tables|weights`
	withIPv6 = `family|lastresort|stock-nosticky|tables|weights`
)

// Records with a policy that has several members at once.
const withShares = `badrule|failover|family|ipset|logging|mask-5bit|mask-ff00|names|ports|srciface|stock-nosticky|tables|weights`

// Records with a policy that has nothing but its last resort, in one family at least.
const withEmpty = `badrule|disabled|failover|ipset|lastresort|logging|mask-5bit|mask-ff00|names|ports|srciface|tables|weights`

// The steps after which wan, or wan6, is down.
const (
	wanDown  = `(4-mwan3-ifdown|6-netifd-ifdown)/`
	wan6Down = `8a-mwan3-ifdown-wan6/`
)

// differences lists all of them, with the reason. The exact split of weights is not here: canonical knows it.
var differences = []difference{
	{`the rules of an interface's mark stay until stop, so that its connections never leave through another one`,
		withIPv4, wanDown + `ip4-rule`, `\+[23]00\d:\tfrom all fwmark 0x[0-9a-f]+/0x[0-9a-f]+ (lookup \d|unreachable)`},
	{`so the sum of what is missing is iif rule 1, chain 8, default route 16`,
		withIPv4, wanDown + `mwan3-status`, `[+-]Interface status:\|\| interface wan is disabled and tracking is paused \((25|23)\)`},
	{`the chain of an interface that is down is gone`,
		withIPv4, wanDown + `iptables-mangle`, `-(:mwan3_iface_in_wan|mwan3_iface_in_wan \d .*|-A mwan3_ifaces_in .* -j mwan3_iface_in_wan)`},
	{`in IPv6, too`,
		withIPv6, wan6Down + `ip6tables-mangle`, `-(:mwan3_iface_in_wan6|mwan3_iface_in_wan6 \d .*|-A mwan3_ifaces_in .* -j mwan3_iface_in_wan6)`},
	{`and so is its iif rule`,
		withIPv6, wan6Down + `ip6-rule`, `-100\d:\tfrom all iif wan0 lookup \d`},
	{`which the sum of what is missing shows`,
		withIPv6, wan6Down + `mwan3-status`, `[+-]Interface status:\|\| interface wan6 is disabled and tracking is paused \((25|16)\)`},

	{`one bad rule does not void the others`,
		`badrule`, `.*/iptables-mangle`, `\+mwan3_rules 1 -A mwan3_rules -d 203\.0\.113\.0/24 -m mark --mark 0x0/0x3f00 -j mwan3_policy_bal`},
	{`one bad rule does not void the others`,
		`badrule`, `.*/iptables-mangle`, `\+mwan3_rules 2 -A mwan3_rules -m mark --mark 0x0/0x3f00 -j mwan3_policy_bal`},
	{`one bad rule does not void the others`,
		`badrule`, `.*/mwan3-status`, `\+Active ipv4 user rules:\|\|… - bal  0    --  \*      \*       0\.0\.0\.0/0            (0\.0\.0\.0/0|203\.0\.113\.0/24)`},

	{`a negated address is understood, and does not void the others`, `ports`, `.*/iptables-mangle`, `\+mwan3_rules ` + oneOf(portRules...)},
	{`the same rules in the status`, `ports`, `.*/mwan3-status`, `\+Active ipv4 user rules:\|\|… - bal .*`},
	{`icmp means ICMPv6 in IPv6`, `ports`, `.*/ip6tables-mangle`, `[+-]mwan3_rules 4 -A mwan3_rules -p (icmp|ipv6-icmp) -m mark --mark 0x0/0x3f00 -j mwan3_policy_bal`},
	{`icmp means ICMPv6 in IPv6`, `ports`, `.*/mwan3-status`, `[+-]Active ipv6 user rules:\|\|… - bal  (1 |58)   --  \*      \*       ::/0                 ::/0`},

	{`names of any length work over ubus, too`,
		`names`, `[1-7].*/ubus-mwan3-status`, `\+\.policies\.ipv4\.p234567890123456\.\d\.interface (wan|a234567890123)`},
	{`weight 0 counts as 1 over ubus, too`,
		`weights`, `[1-8].*/ubus-mwan3-status`, `\+\.policies\.ipv4\.zero(first)?\.\d\.interface wanb|-\.policies\.ipv4\.zero(first)? \[\]`},
	{`over ubus there is more: what policies do with an interface, and figures`,
		`.*`, `.*/ubus-mwan3-status`, `\+\.interfaces\.\w+\.(routed (true|false)|(track_ip\.\d\.)?jitter \d+|(latency|packetloss) \d+)`},
	{`shares are those of the weights`,
		withShares, `.*/ubus-mwan3-status`, `[+-]\.policies\.ipv[46]\.\w+\.\d\.percent \d+`},
	{`shares are those of the weights`,
		`disabled`, `[4-7].*/ubus-mwan3-status`, `[+-]\.policies\.ipv4\.bal\.\d\.percent \d+`},
	{`policies without members are there, too`,
		withEmpty, `.*/ubus-mwan3-status`, `\+\.policies\.ipv[46]\.\w+ \[\]|-\.policies\.ipv[46] \{\}`},
	{`policies without members are there, too`,
		`stock-nosticky`, wanDown + `ubus-mwan3-status`, `\+\.policies\.ipv4\.wan_only \[\]`},
	{`an interface without targets is not tracking, rather than unknown and down`,
		`disabled`, `.*/ubus-mwan3-status`, `[+-]\.interfaces\.wanb\.(status (unknown|notracking)|tracking (down|disabled))`},

	{`names of any length work: a chain that cannot bear one has a short form, and its first rule says the name`,
		`names`, `.*/ip6?tables-mangle`, `\+(:|-A mwan3_ifaces_in .* -j )?mwan3_(policy_p23456-46b223c2|iface_in_a234-8f8acf27)( .*)?`},
	{`the rules that name them, too`,
		`names`, `.*/ip6?tables-mangle`, `\+mwan3_rules ` + nameRules},
	{`the same in the status`,
		`names`, `.*/mwan3-status`, `\+Active ipv[46] user rules:\|\|… - (ok|p23456789012345|p234567890123456)  [06] .*`},
	{`the same in the status`,
		`names`, `.*/mwan3-status`, `\+Current ipv[46] policies:\|p234567890123456:\| (wan \((50|100)%\)|a234567890123 \((50|100)%\)|unreachable)`},

	{`weight 0 counts as 1`,
		`weights`, `.*/iptables-mangle`, `[+-]mwan3_policy_zero(first)? \d .* --comment "wanb? [01] [012]" -j MARK --set-xmark 0x[12]00/0x3f00`},
	{`and does not cut the status off`,
		`weights`, `.*/mwan3-status`, `\+(Current ipv[46] policies|Directly connected ipv[46] networks|Active ipv[46] user rules):\|.*`},
	{`nor the first of the lines that are cut off`,
		`weights`, `.*/mwan3-status`, `-Current ipv4 policies:\|\w+:\|/usr/sbin/mwan3: line \d+: (divide by zero|arithmetic syntax error)`},

	{`rules with src_iface follow its device: one whose interface is down waits for it`,
		`srciface`, `6-netifd-ifdown/ip6?tables-mangle`, `[+-]mwan3_rules \d -A mwan3_rules (-i wan0 .*|-s 192\.168\.1\.0/25 -i lan0 .*|-m mark .*)`},
	{`the same in the status`,
		`srciface`, `6-netifd-ifdown/mwan3-status`, `-Active ipv[46] user rules:\|\|… MARK       0    --  wan0 .*`},
	{`an interface without targets gets later routes, too`,
		`disabled`, `7-netifd-ifup/ip4-route-table-3`, `\+10\.1\.0\.0/24 dev wan0 proto static scope link metric 10`},
}

// nameRules are the rules of the record names.
const nameRules = `\d -A mwan3_rules (-p tcp -m multiport --dports 8[0-3] )?-m mark --mark 0x0/0x3f00 ` +
	`-j mwan3_policy_(ok|p23456789012345|p23456-46b223c2)`

// portRules are the rules of the record ports.
var portRules = []string{
	`1 -A mwan3_rules -p tcp -m multiport --dports 80,443,8000:8080,9000 -m mark`,
	`2 -A mwan3_rules -p udp -m multiport --sports 1024:65535 -m multiport --dports 53 -m mark`,
	`3 -A mwan3_rules -m mark`, // a port without protocol is ignored
	`4 -A mwan3_rules -p icmp -m mark`,
	`5 -A mwan3_rules -p gre -m mark`,
	`6 -A mwan3_rules -d 203.0.113.0/24 -m mark`,
	`7 -A mwan3_rules -s 192.168.1.10/32 -d 203.0.1.0/24 -m mark`,
	`8 -A mwan3_rules -s 192.168.1.10/32 -d 203.0.2.0/24 -m mark`,
	`9 -A mwan3_rules -s 192.168.1.20/32 -d 203.0.1.0/24 -m mark`,
	`10 -A mwan3_rules -s 192.168.1.20/32 -d 203.0.2.0/24 -m mark`,
	`11 -A mwan3_rules -d 203.0.113.0/24 -m mark`,
	`12 -A mwan3_rules ! -s 192.168.1.0/24 -m mark`,
	`13 -A mwan3_rules -d 198.18.0.0/15 -m mark`,
	`14 -A mwan3_rules -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 -m mark`,
	`15 -A mwan3_rules -m mark`,
}

// oneOf matches one of the rules, to the end of their line.
func oneOf(rules ...string) string {
	expression := ""
	for i, rule := range rules {
		if i > 0 {
			expression += "|"
		}
		expression += regexp.QuoteMeta(rule)
	}
	return "(" + expression + `) --mark 0x0/0x3f00 -j mwan3_policy_bal`
}
