package network

import (
	"net/netip"
	"testing"
)

func TestRulesPrintAsIPDoes(t *testing.T) {
	tests := map[string]Rule{
		"0:\tfrom all lookup local":                                {Table: TableLocal},
		"32766:\tfrom all lookup main":                             {Priority: 32766, Table: TableMain},
		"32767:\tfrom all lookup default":                          {Priority: 32767, Table: TableDefault},
		"1001:\tfrom all iif wan0 lookup 1":                        {Priority: 1001, InDevice: "wan0", Table: 1},
		"2001:\tfrom all fwmark 0x1/0x1f lookup 1":                 {Priority: 2001, Mark: 1, Mask: 0x1f, Table: 1},
		"2001:\tfrom all fwmark 0x100/0x3f00 lookup 1":             {Priority: 2001, Mark: 0x100, Mask: 0x3f00, Table: 1},
		"2029:\tfrom all fwmark 0x1d/0x1f blackhole":               {Priority: 2029, Mark: 0x1d, Mask: 0x1f, Action: Blackhole},
		"2062:\tfrom all fwmark 0x3e00/0x3f00 unreachable":         {Priority: 2062, Mark: 0x3e00, Mask: 0x3f00, Action: Unreachable},
		"2254:\tfrom all fwmark 0xfe00/0xff00 unreachable":         {Priority: 2254, Mark: 0xfe00, Mask: 0xff00, Action: Unreachable},
		"9:\tfrom all fwmark 0x1 prohibit":                         {Priority: 9, Mark: 1, Mask: 0xffffffff, Action: Prohibit},
		"14:\tfrom all fwmark 0/0xff lookup 300":                   {Priority: 14, Mask: 0xff, Table: 300},
		"15:\tfrom all fwmark 0x1/0xff iif wan0 lookup 7":          {Priority: 15, Mark: 1, Mask: 0xff, InDevice: "wan0", Table: 7},
		"12:\tnot from all fwmark 0xca6c lookup 51820":             {Priority: 12, Mark: 0xca6c, Table: 51820, Other: "not from all fwmark 0xca6c lookup 51820"},
		"1003:\tfrom all iif wan1 lookup 3":                        {Family: IPv6, Priority: 1003, InDevice: "wan1", Table: 3},
		"3004:\tfrom all fwmark 0x400/0x3f00 unreachable":          {Family: IPv6, Priority: 3004, Mark: 0x400, Mask: 0x3f00, Action: Unreachable},
		"13:\tfrom all lookup main suppress_prefixlength 0":        {Priority: 13, Table: TableMain, Other: "from all lookup main suppress_prefixlength 0"},
		"20:\tfrom all nop":                                        {Priority: 20, Action: OtherAction, Other: "from all nop"},
		"2061:\tfrom all fwmark 0x3d00/0x3f00 blackhole":           {Family: IPv6, Priority: 2061, Mark: 0x3d00, Mask: 0x3f00, Action: Blackhole},
		"3005:\tfrom all fwmark 0x500/0x3f00 unreachable":          {Priority: 3005, Mark: 0x500, Mask: 0x3f00, Action: Unreachable},
		"1005:\tfrom all iif pppoe-wan lookup 5":                   {Priority: 1005, InDevice: "pppoe-wan", Table: 5},
		"2002:\tfrom all fwmark 0x200/0xff00 lookup 2":             {Priority: 2002, Mark: 0x200, Mask: 0xff00, Table: 2},
		"2252:\tfrom all fwmark 0xfc00/0xff00 lookup 252":          {Priority: 2252, Mark: 0xfc00, Mask: 0xff00, Table: 252},
		"4294967295:\tfrom all lookup 1":                           {Priority: -1, Table: 1},
		"2030:\tfrom all fwmark 0x1e/0x1f iif wan0.2 unreachable":  {Priority: 2030, Mark: 0x1e, Mask: 0x1f, InDevice: "wan0.2", Action: Unreachable},
		"2031:\tfrom all fwmark 0x80000000/0x80000000 unreachable": {Priority: 2031, Mark: 1 << 31, Mask: 1 << 31, Action: Unreachable},
	}
	for want, rule := range tests {
		if got := rule.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestIPv4RoutesPrintAsIPDoes(t *testing.T) {
	all := prefix("0.0.0.0/0")
	tests := map[string]Route{
		"10.1.0.0/24 dev wan0 proto static scope link metric 10":               {Type: Unicast, Dst: prefix("10.1.0.0/24"), Device: "wan0", Protocol: 4, Scope: 253, Metric: 10},
		"172.21.0.0/16 via 192.168.1.100 dev lan0 proto static":                {Type: Unicast, Dst: prefix("172.21.0.0/16"), Gateway: addr("192.168.1.100"), Device: "lan0", Protocol: 4},
		"192.168.1.0/24 dev lan0 proto kernel scope link src 192.168.1.1":      {Type: Unicast, Dst: prefix("192.168.1.0/24"), Device: "lan0", Protocol: 2, Scope: 253, PrefSrc: addr("192.168.1.1")},
		"203.0.77.0/24 via 10.1.0.1 dev wan0 proto static metric 10":           {Type: Unicast, Dst: prefix("203.0.77.0/24"), Gateway: addr("10.1.0.1"), Device: "wan0", Protocol: 4, Metric: 10},
		"default via 10.1.0.1 dev wan0 proto static metric 10":                 {Type: Unicast, Dst: all, Gateway: addr("10.1.0.1"), Device: "wan0", Protocol: 4, Metric: 10},
		"default via 10.1.2.1 dev wan2 proto static metric 12":                 {Type: Unicast, Dst: all, Gateway: addr("10.1.2.1"), Device: "wan2", Protocol: 4, Metric: 12},
		"198.51.100.7 tos 0x10 via 10.1.0.1 dev wan0 onlink":                   {Type: Unicast, Dst: prefix("198.51.100.7/32"), TOS: 0x10, Gateway: addr("10.1.0.1"), Device: "wan0", Protocol: 3, OnLink: true},
		"default via inet6 fe80::1 dev wan0 proto unspec":                      {Type: Unicast, Dst: all, Gateway: addr("fe80::1"), Device: "wan0"},
		"unreachable default metric 9":                                         {Type: UnreachableRoute, Dst: all, Protocol: 3, Metric: 9},
		"local 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1":       {Type: Local, Dst: prefix("127.0.0.0/8"), Device: "lo", Protocol: 2, Scope: 254, PrefSrc: addr("127.0.0.1")},
		"broadcast 192.0.2.255 dev wan0 proto kernel scope link src 192.0.2.1": {Type: Broadcast, Dst: prefix("192.0.2.255/32"), Device: "wan0", Protocol: 2, Scope: 253, PrefSrc: addr("192.0.2.1")},
		"default nexthop via 10.1.0.1 dev wan0 weight 3 nexthop dev ppp0 weight 1 onlink": {Type: Unicast, Dst: all, Protocol: 3, Nexthops: []Nexthop{
			{Gateway: addr("10.1.0.1"), Device: "wan0", Weight: 3}, {Device: "ppp0", Weight: 1, OnLink: true}}},
		"default dev wan0 proto 99 scope 201 attrs 0102": {Type: Unicast, Dst: all, Device: "wan0", Protocol: 99, Scope: 201, Opaque: "\x01\x02"},
	}
	expectPrinted(t, IPv4, tests)
}

func TestIPv6RoutesPrintAsIPDoes(t *testing.T) {
	all := prefix("::/0")
	tests := map[string]Route{
		"default via fd00:1:1::1 dev wan1 proto static metric 21 pref medium": {Type: Unicast, Dst: all, Gateway: addr("fd00:1:1::1"), Device: "wan1", Protocol: 4, Metric: 21},
		"fd00:1::/64 dev wan0 proto static metric 20 pref medium":             {Type: Unicast, Dst: prefix("fd00:1::/64"), Device: "wan0", Protocol: 4, Metric: 20},
		"fd00:ee::/64 dev lan0 proto kernel metric 256 pref medium":           {Type: Unicast, Dst: prefix("fd00:ee::/64"), Device: "lan0", Protocol: 2, Metric: 256},
		"fe80::/64 dev wan2 proto kernel metric 256 pref medium":              {Type: Unicast, Dst: prefix("fe80::/64"), Device: "wan2", Protocol: 2, Metric: 256},
		"unreachable 2001:db8:b::/48 dev lo metric 1024 pref medium":          {Type: UnreachableRoute, Dst: prefix("2001:db8:b::/48"), Device: "lo", Protocol: 3, Metric: 1024},
		"default from 2001:db8:55::/48 via 2001:db8:1::2 dev wan0 metric 1024 pref high": {
			Type: Unicast, Dst: all, Src: prefix("2001:db8:55::/48"), Gateway: addr("2001:db8:1::2"), Device: "wan0", Protocol: 3, Metric: 1024, Pref: 1},
		"2001:db8:c::/64 metric 1024 pref low nexthop via 2001:db8:1::2 dev wan0 weight 3 nexthop via 2001:db8:2::2 dev wan1 weight 5": {
			Type: Unicast, Dst: prefix("2001:db8:c::/64"), Protocol: 3, Metric: 1024, Pref: 3, Nexthops: []Nexthop{
				{Gateway: addr("2001:db8:1::2"), Device: "wan0", Weight: 3}, {Gateway: addr("2001:db8:2::2"), Device: "wan1", Weight: 5}}},
	}
	expectPrinted(t, IPv6, tests)
}

func expectPrinted(t *testing.T, f Family, tests map[string]Route) {
	t.Helper()
	for want, route := range tests {
		route.Family = f
		if got := route.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
