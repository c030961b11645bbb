package iproute

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// mtu is the raw attribute RTA_METRICS with an MTU (RTAX_MTU = 2).
func mtu(value uint32) string {
	return string(appendAttr(nil, unix.RTA_METRICS, appendNumber(nil, 2, value)))
}

// shapes are routes of every kind that the package keeps, by what ip prints of them.
func shapes() map[string]network.Route {
	hops := []network.Nexthop{
		{Gateway: addr("192.0.2.2"), Device: "wan0", Weight: 3}, {Gateway: addr("198.51.100.2"), Device: "wan1", Weight: 256}}
	hops6 := []network.Nexthop{
		{Gateway: addr("2001:db8:1::2"), Device: "wan0", Weight: 2}, {Gateway: addr("2001:db8:2::2"), Device: "wan1", Weight: 7}}
	return map[string]network.Route{
		"default via 192.0.2.254 dev wan0 proto static":                                                                  via("0.0.0.0/0", "192.0.2.254", "wan0"),
		"default via 192.0.2.254 dev wan0 proto static metric 9":                                                         with(via("0.0.0.0/0", "192.0.2.254", "wan0"), func(r *network.Route) { r.Metric = 9 }),
		"default dev wan1 proto static scope link metric 10":                                                             with(dev("0.0.0.0/0", "wan1"), func(r *network.Route) { r.Metric = 10 }),
		"10.0.0.0/8 dev wan0 proto static scope link src 192.0.2.1":                                                      with(dev("10.0.0.0/8", "wan0"), func(r *network.Route) { r.PrefSrc = addr("192.0.2.1") }),
		"10.1.1.1 via 203.0.113.1 dev wan0 proto static onlink":                                                          with(via("10.1.1.1/32", "203.0.113.1", "wan0"), func(r *network.Route) { r.OnLink = true }),
		"10.3.0.0/16 via 192.0.2.254 dev wan0 proto static mtu 1400":                                                     with(via("10.3.0.0/16", "192.0.2.254", "wan0"), func(r *network.Route) { r.Opaque = mtu(1400) }),
		"10.4.0.0/16 tos 0x08 via 192.0.2.254 dev wan0 proto static":                                                     with(via("10.4.0.0/16", "192.0.2.254", "wan0"), func(r *network.Route) { r.TOS = 8 }),
		"10.5.0.0/16 via inet6 fe80::1 dev wan0 proto static":                                                            with(via("10.5.0.0/16", "fe80::1", "wan0"), func(r *network.Route) {}),
		"unreachable 10.6.0.0/16 proto static metric 5":                                                                  route("10.6.0.0/16", func(r *network.Route) { r.Type = network.UnreachableRoute; r.Metric = 5 }),
		"blackhole 10.7.0.0/16":                                                                                          route("10.7.0.0/16", func(r *network.Route) { r.Type = network.BlackholeRoute; r.Protocol = 3 }),
		"prohibit 10.8.0.0/16 proto static":                                                                              route("10.8.0.0/16", func(r *network.Route) { r.Type = network.ProhibitRoute }),
		"throw 10.9.0.0/16 proto static":                                                                                 route("10.9.0.0/16", func(r *network.Route) { r.Type = network.Throw }),
		"10.10.0.0/16 dev wan0 proto static scope site":                                                                  with(dev("10.10.0.0/16", "wan0"), func(r *network.Route) { r.Scope = 200 }),
		"10.11.0.0/16 proto static nexthop via 192.0.2.2 dev wan0 weight 3 nexthop via 198.51.100.2 dev wan1 weight 256": route("10.11.0.0/16", func(r *network.Route) { r.Nexthops = hops }),

		"default via 2001:db8:1::ff dev wan0 proto static metric 1024 pref medium":                                                                   via("::/0", "2001:db8:1::ff", "wan0"),
		"default via fe80::1 dev wan1 proto static metric 30 pref medium":                                                                            with(via("::/0", "fe80::1", "wan1"), func(r *network.Route) { r.Metric = 30 }),
		"default from 2001:db8:55::/48 via fe80::1 dev wan1 proto static metric 1024 pref medium":                                                    with(via("::/0", "fe80::1", "wan1"), func(r *network.Route) { r.Src = prefix("2001:db8:55::/48") }),
		"2001:db8:a::/64 dev wan0 proto static metric 1024 pref high":                                                                                with(dev("2001:db8:a::/64", "wan0"), func(r *network.Route) { r.Pref = 1 }),
		"2001:db8:a1::/64 dev wan0 proto static src 2001:db8:1::1 metric 1024 pref low":                                                              with(dev("2001:db8:a1::/64", "wan0"), func(r *network.Route) { r.Pref = 3; r.PrefSrc = addr("2001:db8:1::1") }),
		"2001:db8:b::/64 via 2001:db8:99::1 dev wan0 proto static metric 1024 onlink pref medium":                                                    with(via("2001:db8:b::/64", "2001:db8:99::1", "wan0"), func(r *network.Route) { r.OnLink = true }),
		"2001:db8:c::/64 via fe80::1 dev wan0 proto static metric 1024 mtu 1380 pref medium":                                                         with(via("2001:db8:c::/64", "fe80::1", "wan0"), func(r *network.Route) { r.Opaque = mtu(1380) }),
		"unreachable 2001:db8:d::/48 dev lo proto static metric 1024 pref medium":                                                                    with(dev("2001:db8:d::/48", "lo"), func(r *network.Route) { r.Type = network.UnreachableRoute }),
		"blackhole 2001:db8:e::/48 dev lo proto static metric 7 pref medium":                                                                         with(dev("2001:db8:e::/48", "lo"), func(r *network.Route) { r.Type = network.BlackholeRoute; r.Metric = 7 }),
		"fe80::/64 dev wan0 proto kernel metric 256 pref medium":                                                                                     with(dev("fe80::/64", "wan0"), func(r *network.Route) { r.Metric = 256; r.Protocol = 2 }),
		"fe80::/64 dev wan1 proto kernel metric 256 pref medium":                                                                                     with(dev("fe80::/64", "wan1"), func(r *network.Route) { r.Metric = 256; r.Protocol = 2 }),
		"2001:db8:f::1 proto static metric 1024 pref medium nexthop via 2001:db8:1::2 dev wan0 weight 2 nexthop via 2001:db8:2::2 dev wan1 weight 7": route("2001:db8:f::1/128", func(r *network.Route) { r.Nexthops = hops6 }),
	}
}

func TestEveryShapeOfRouteComesBackAsItWentInAndReadsAsInIP(t *testing.T) {
	newNamespace(t)
	h := open(t)
	for text, want := range shapes() {
		succeed(t, h.EditRoutes([]network.Route{want}, nil))
		expect(t, text, list(t, h, 1), []network.Route{want})
		family := map[network.Family]string{network.IPv4: "-4", network.IPv6: "-6"}[want.Family]
		expect(t, "ip", ipLines(t, family+" route show table 1"), []string{text})
		if want.Opaque == "" && want.String() != text {
			t.Errorf("prints\n%s, ip\n%s", want, text)
		}
		succeed(t, h.EditRoutes([]network.Route{want}, nil))
		expect(t, text+", added again", list(t, h, 1), []network.Route{want})
		succeed(t, h.EditRoutes(nil, []network.Route{want}))
		succeed(t, h.EditRoutes(nil, []network.Route{want}))
		expect(t, text+", deleted", list(t, h, 1), []network.Route(nil))
	}
}

func TestAllShapesTogetherAreAddedAndDeletedAtOnce(t *testing.T) {
	newNamespace(t)
	h := open(t)
	var all []network.Route
	for _, r := range shapes() {
		all = append(all, r)
	}
	succeed(t, h.EditRoutes(all, nil))
	expectRoutes(t, list(t, h, 1), all)
	succeed(t, h.EditRoutes(nil, all))
	expectRoutes(t, list(t, h, 1), nil)
}

// expectRoutes compares without order.
func expectRoutes(t testing.TB, got, want []network.Route) {
	t.Helper()
	expect(t, "routes", keys(got), keys(want))
}

func keys(routes []network.Route) []string {
	keys := make([]string, len(routes))
	for i, r := range routes {
		keys[i] = r.Key()
	}
	slices.Sort(keys)
	return keys
}

func TestRoutesListsAllTablesOfBothFamiliesAsIPPrintsThem(t *testing.T) {
	newNamespace(t)
	h := open(t)
	ip(t, "route add default via 192.0.2.9 table 300")
	ip(t, "-6 route add unreachable 2001:db8:77::/48 table 5")
	routes, err := h.Routes()
	succeed(t, err)
	for _, family := range network.Families {
		for _, table := range []int{network.TableMain, network.TableLocal, 5, 300} {
			var got []string
			for _, r := range routes {
				if r.Family == family && r.Table == table {
					got = append(got, r.String())
				}
			}
			flag := map[network.Family]string{network.IPv4: "-4", network.IPv6: "-6"}[family]
			expect(t, flag+" table "+network.TableName(table), got, tableLines(t, flag, table))
		}
	}
}

// tableLines is what ip lists of a table; it refuses to list one that does not exist.
func tableLines(t *testing.T, flag string, table int) []string {
	t.Helper()
	if flag == "-4" && table == 5 || flag == "-6" && table == 300 {
		return nil
	}
	return ipLines(t, flag+" route show table "+network.TableName(table))
}

func TestATableThatDoesNotExistIsEmpty(t *testing.T) {
	newNamespace(t)
	expect(t, "routes", list(t, open(t), 7, 8), []network.Route(nil))
}

func TestWithoutFilteringInTheKernelTablesAreSelectedJustTheSame(t *testing.T) {
	newNamespace(t)
	ip(t, "route add default via 192.0.2.9 table 7")
	ip(t, "route add default via 192.0.2.9 table 8")
	h := open(t)
	want := list(t, h, 7)
	h.conn.strict = false
	expect(t, "routes", list(t, h, 7), want)
	if len(want) != 1 {
		t.Errorf("%d routes", len(want))
	}
}

func TestRoutesOfADeviceWithoutCarrierAreListedWithoutTheFlag(t *testing.T) {
	newNamespace(t)
	ip(t, "route add default via 192.0.2.9 dev wan0 table 7")
	ip(t, "link set peer0 down")
	want := with(via("0.0.0.0/0", "192.0.2.9", "wan0"), func(r *network.Route) { r.Table, r.Protocol = 7, 3 })
	expect(t, "routes", list(t, open(t), 7), []network.Route{want})
}

func TestANexthopObjectIsListedAsWhatItStandsFor(t *testing.T) {
	newNamespace(t)
	ip(t, "nexthop add id 5 via 192.0.2.9 dev wan0")
	ip(t, "route add default nhid 5 table 7")
	want := with(via("0.0.0.0/0", "192.0.2.9", "wan0"), func(r *network.Route) { r.Table, r.Protocol = 7, 3 })
	expect(t, "routes", list(t, open(t), 7), []network.Route{want})
}

func TestARouteOfAnUnknownDeviceIsListedUnderItsIndex(t *testing.T) {
	d := routeDecoder{}
	body := make([]byte, unix.SizeofRtMsg)
	body[0], body[7] = unix.AF_INET, unix.RTN_UNICAST
	got, ok, err := d.decode(appendNumber(body, unix.RTA_OIF, 7))
	expect(t, "route", got, network.Route{Type: network.Unicast, Dst: prefix("0.0.0.0/0"), Device: "if7"})
	if !ok || err != nil || !d.unknown {
		t.Errorf("ok %v, err %v, unknown %v", ok, err, d.unknown)
	}
}

func TestCachedCopiesAndForeignFamiliesAreNoRoutes(t *testing.T) {
	cached := make([]byte, unix.SizeofRtMsg)
	cached[0] = unix.AF_INET6
	binary.NativeEndian.PutUint32(cached[8:], unix.RTM_F_CLONED)
	foreign := make([]byte, unix.SizeofRtMsg)
	foreign[0] = unix.AF_MPLS
	for _, body := range [][]byte{cached, foreign} {
		if _, ok, err := new(routeDecoder).decode(body); ok || err != nil {
			t.Errorf("ok %v, err %v", ok, err)
		}
	}
}
