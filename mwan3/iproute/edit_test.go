package iproute

import (
	"errors"
	"math/rand"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

func TestEditEndsExactlyAtWhatIsWantedWhateverCollides(t *testing.T) {
	static := func(r network.Route) network.Route { return r }
	boot := func(r network.Route) network.Route { return with(r, func(r *network.Route) { r.Protocol = 3 }) }
	src := func(r network.Route, a string) network.Route {
		return with(r, func(r *network.Route) { r.PrefSrc = addr(a) })
	}
	multi := func(dst string, gateways ...string) network.Route {
		return route(dst, func(r *network.Route) {
			for i, g := range gateways {
				device := []string{"wan0", "wan1"}[i%2]
				r.Nexthops = append(r.Nexthops, network.Nexthop{Gateway: addr(g), Device: device, Weight: i + 1})
			}
		})
	}
	const all, all6 = "0.0.0.0/0", "::/0"
	tests := []struct {
		name       string
		have, want []network.Route
	}{
		{"another gateway", []network.Route{via(all, "192.0.2.2", "wan0")}, []network.Route{via(all, "192.0.2.3", "wan0")}},
		{"another device", []network.Route{via(all, "192.0.2.2", "wan0")}, []network.Route{via(all, "198.51.100.2", "wan1")}},
		{"another protocol", []network.Route{via(all, "192.0.2.2", "wan0")}, []network.Route{boot(via(all, "192.0.2.2", "wan0"))}},
		{"a source address more", []network.Route{via(all, "192.0.2.2", "wan0")}, []network.Route{src(via(all, "192.0.2.2", "wan0"), "192.0.2.1")}},
		{"a source address less", []network.Route{src(via(all, "192.0.2.2", "wan0"), "192.0.2.1")}, []network.Route{via(all, "192.0.2.2", "wan0")}},
		{"an MTU less", []network.Route{with(via(all, "192.0.2.2", "wan0"), func(r *network.Route) { r.Opaque = mtu(1400) })}, []network.Route{via(all, "192.0.2.2", "wan0")}},
		{"one of two", []network.Route{src(via(all, "192.0.2.2", "wan0"), "192.0.2.1"), via(all, "192.0.2.2", "wan0")}, []network.Route{src(via(all, "192.0.2.2", "wan0"), "192.0.2.1")}},
		{"two for one", []network.Route{via(all, "192.0.2.2", "wan0")}, []network.Route{via(all, "192.0.2.3", "wan0"), via(all, "192.0.2.4", "wan0")}},
		{"on link to gateway", []network.Route{with(dev(all, "wan0"), func(r *network.Route) { r.Scope = 0 })}, []network.Route{via(all, "192.0.2.3", "wan0")}},
		{"on link beside gateway", []network.Route{via(all, "192.0.2.3", "wan0"), with(dev(all, "wan0"), func(r *network.Route) { r.Scope = 0 })}, []network.Route{via(all, "192.0.2.3", "wan0")}},
		{"metric 0 beside another", []network.Route{via(all, "192.0.2.3", "wan0"), with(via(all, "192.0.2.3", "wan0"), func(r *network.Route) { r.Metric = 5 })}, []network.Route{with(via(all, "192.0.2.3", "wan0"), func(r *network.Route) { r.Metric = 5 })}},
		{"single to multipath", []network.Route{via(all, "192.0.2.2", "wan0")}, []network.Route{multi(all, "192.0.2.2", "198.51.100.2")}},
		{"multipath to single", []network.Route{multi(all, "192.0.2.2", "198.51.100.2")}, []network.Route{via(all, "198.51.100.2", "wan1")}},
		{"unreachable to gateway", []network.Route{route(all, func(r *network.Route) { r.Type = network.UnreachableRoute })}, []network.Route{via(all, "192.0.2.2", "wan0")}},

		{"IPv6: another gateway", []network.Route{via(all6, "fe80::1", "wan0")}, []network.Route{via(all6, "fe80::2", "wan0")}},
		{"IPv6: another device", []network.Route{via(all6, "fe80::1", "wan0")}, []network.Route{via(all6, "fe80::1", "wan1")}},
		{"IPv6: another protocol", []network.Route{via(all6, "fe80::1", "wan0")}, []network.Route{boot(via(all6, "fe80::1", "wan0"))}},
		{"IPv6: another preference", []network.Route{via(all6, "fe80::1", "wan0")}, []network.Route{with(via(all6, "fe80::1", "wan0"), func(r *network.Route) { r.Pref = 1 })}},
		{"IPv6: on link, another protocol", []network.Route{dev("fe80::/64", "wan0"), dev("fe80::/64", "wan1")}, []network.Route{dev("fe80::/64", "wan0"), boot(dev("fe80::/64", "wan1"))}},
		{"IPv6: on link, another device", []network.Route{dev("fe80::/64", "wan0"), dev("fe80::/64", "wan1")}, []network.Route{dev("fe80::/64", "wan1"), dev("fe80::/64", "peer1")}},
		{"IPv6: on link goes, gateway of the device stays", []network.Route{via(all6, "fe80::1", "wan0"), dev(all6, "wan0")}, []network.Route{via(all6, "fe80::1", "wan0")}},
		{"IPv6: gateway comes beside on link", []network.Route{dev(all6, "wan0")}, []network.Route{dev(all6, "wan0"), via(all6, "fe80::1", "wan0")}},
		{"IPv6: gateway goes, on link stays", []network.Route{dev(all6, "wan0"), via(all6, "fe80::1", "wan0")}, []network.Route{dev(all6, "wan0")}},
		{"IPv6: on link to gateway", []network.Route{dev(all6, "wan0")}, []network.Route{via(all6, "fe80::1", "wan0")}},
		{"IPv6: single to multipath", []network.Route{via(all6, "fe80::1", "wan0")}, []network.Route{multi(all6, "fe80::1", "fe80::2")}},
		{"IPv6: multipath to single", []network.Route{multi(all6, "fe80::1", "fe80::2")}, []network.Route{via(all6, "fe80::2", "wan1")}},
		{"IPv6: multipath to another", []network.Route{multi(all6, "fe80::1", "fe80::2")}, []network.Route{multi(all6, "fe80::3", "fe80::2", "fe80::1")}},
		{"IPv6: multipath to nothing", []network.Route{multi(all6, "fe80::1", "fe80::2"), dev(all6, "wan0")}, []network.Route{dev(all6, "wan0")}},
		{"IPv6: one sibling from another source", []network.Route{via(all6, "fe80::1", "wan0")}, []network.Route{with(via(all6, "fe80::2", "wan0"), func(r *network.Route) { r.Src = prefix("2001:db8:5::/48") })}},
		{"IPv6: unreachable to blackhole", []network.Route{with(dev(all6, "lo"), func(r *network.Route) { r.Type = network.UnreachableRoute })}, []network.Route{with(dev(all6, "lo"), func(r *network.Route) { r.Type = network.BlackholeRoute })}},
		{"nothing to something", nil, []network.Route{static(via(all, "192.0.2.2", "wan0")), via(all6, "fe80::1", "wan0")}},
	}
	newNamespace(t)
	h := open(t)
	for _, test := range tests {
		succeed(t, h.EditRoutes(nil, list(t, h, 1)))
		succeed(t, h.EditRoutes(test.have, nil))
		expectRoutes(t, list(t, h, 1), test.have)
		add, del := network.DiffRoutes(list(t, h, 1), test.want)
		succeed(t, h.EditRoutes(add, del))
		got := list(t, h, 1)
		expectRoutes(t, got, test.want)
		if t.Failed() {
			t.Fatalf("in %s", test.name)
		}
		if add, del := network.DiffRoutes(got, test.want); len(add)+len(del) > 0 {
			t.Errorf("%s: still to add %v, to delete %v", test.name, add, del)
		}
	}
}

func TestAnIPv6RouteThatIsAddedOverAnUnknownOneEndsAsWanted(t *testing.T) {
	newNamespace(t)
	h := open(t)
	succeed(t, h.EditRoutes([]network.Route{via("::/0", "fe80::1", "wan0")}, nil))
	want := with(via("::/0", "fe80::1", "wan0"), func(r *network.Route) { r.Protocol, r.Pref = 16, 1 })
	succeed(t, h.EditRoutes([]network.Route{want}, nil))
	expect(t, "routes", list(t, h, 1), []network.Route{want})
}

func TestAnIPv6RouteWithoutMetricAndProtocolStaysThere(t *testing.T) {
	newNamespace(t)
	h := open(t)
	want := []network.Route{with(via("::/0", "fe80::1", "wan0"), func(r *network.Route) { r.Metric, r.Protocol = 0, 0 })}
	for range 3 {
		add, del := network.DiffRoutes(list(t, h, 1), want)
		succeed(t, h.EditRoutes(add, del))
		expect(t, "ip", ipLines(t, "-6 route show table 1"), []string{"default via fe80::1 dev wan0 metric 1024 pref medium"})
	}
}

func TestGatewaysThatOnlyTheTableItselfReachesAreUsable(t *testing.T) {
	newNamespace(t)
	h := open(t)
	want := []network.Route{
		via("0.0.0.0/0", "203.0.113.1", "wan0"), via("::/0", "2001:db8:9::1", "wan0"),
		dev("203.0.113.0/24", "wan0"), dev("2001:db8:9::/64", "wan0"),
	}
	succeed(t, h.EditRoutes(want, nil))
	expectRoutes(t, list(t, h, 1), want)
}

func TestWhatCannotBeAddedIsNamedAndTheRestGoesIn(t *testing.T) {
	newNamespace(t)
	h := open(t)
	good := via("10.0.0.0/8", "192.0.2.2", "wan0")
	lost := with(via("10.1.0.0/16", "192.0.2.2", "ppp9"), func(r *network.Route) { r.Table = 300 })
	far := via("10.2.0.0/16", "203.0.113.7", "wan0")
	noSource := with(via("2001:db8:a::/64", "fe80::1", "wan0"), func(r *network.Route) { r.PrefSrc = addr("2001:db8:99::1") })
	err := h.EditRoutes([]network.Route{lost, far, noSource, good}, []network.Route{lost, far})
	expectRefusal(t, err, `add route 10.1.0.0/16 via 192.0.2.2 dev ppp9 proto static table 300: device ppp9: no such device
add route 10.2.0.0/16 via 203.0.113.7 dev wan0 proto static table 1: network is unreachable
add route 2001:db8:a::/64 via fe80::1 dev wan0 proto static src 2001:db8:99::1 metric 1024 pref medium table 1: invalid argument`)
	if !errors.Is(err, unix.ENETUNREACH) {
		t.Error("the errno is lost")
	}
	expectRoutes(t, list(t, h, 1), []network.Route{good})
}

func TestADeviceThatIsDownIsNamed(t *testing.T) {
	newNamespace(t)
	ip(t, "link set wan1 down")
	err := open(t).EditRoutes([]network.Route{dev("10.0.0.0/8", "wan1")}, nil)
	expectRefusal(t, err, `add route 10.0.0.0/8 dev wan1 proto static scope link table 1: network is down`)
}

// TestAnyRoutesTurnIntoAnyOthersExactly goes from one random set of routes in three tables to the next.
func TestAnyRoutesTurnIntoAnyOthersExactly(t *testing.T) {
	newNamespace(t)
	h := open(t)
	random := rand.New(rand.NewSource(1))
	for round := 0; round < 150; round++ {
		have := list(t, h, 1, 2, 3)
		want := randomRoutes(random)
		add, del := network.DiffRoutes(have, want)
		succeed(t, h.EditRoutes(add, del))
		got := list(t, h, 1, 2, 3)
		missing, extra := network.DiffRoutes(got, want)
		if len(missing)+len(extra) > 0 {
			at := append(missing, extra...)[0]
			t.Fatalf("round %d: %s\nhad      %q\nadded    %q\ndeleted  %q\nmissing  %q\ntoo much %q", round, at.Dst,
				around(at, have), around(at, add), around(at, del), around(at, missing), around(at, extra))
		}
	}
}

// around picks the routes with the table and destination of one.
func around(at network.Route, routes []network.Route) []string {
	var found []string
	for _, r := range routes {
		if r.Table == at.Table && r.Dst == at.Dst {
			found = append(found, r.String())
		}
	}
	return found
}

// multipathMetric is kept free of routes without a gateway, as the kernel lists them incompletely beside multipath.
const multipathMetric = 2000

// randomRoutes makes routes that differ in few values, so that many collide.
func randomRoutes(random *rand.Rand) []network.Route {
	var routes []network.Route
	for range random.Intn(60) {
		r := randomRoute(random)
		if random.Intn(4) == 0 {
			r.Protocol = 3
		}
		r.Table = 1 + random.Intn(3)
		routes = append(routes, r)
	}
	return routes
}

func randomRoute(random *rand.Rand) network.Route {
	family := network.Families[random.Intn(2)]
	dst := [][]string{{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9"}, {"::/0", "2001:db8:a::/48", "2001:db8:a::/64"}}[family][random.Intn(3)]
	r := route(dst, nil)
	r.Metric += uint32(random.Intn(2) * 5)
	hops := []network.Nexthop{randomHop(random, family), randomHop(random, family)}
	switch random.Intn(6) {
	case 0:
		return reject(random, r)
	case 1:
		r.Device = hops[0].Device
		r.Scope = []uint8{253, 0}[family]
	case 2:
		r.Metric = multipathMetric
		if hops[0].Gateway != hops[1].Gateway {
			r.Nexthops = hops
			return r
		}
		fallthrough
	case 3:
		r.Metric = multipathMetric
		fallthrough
	default:
		r.Gateway, r.Device = hops[0].Gateway, hops[0].Device
	}
	return decorate(random, r)
}

func randomHop(random *rand.Rand, f network.Family) network.Nexthop {
	wan := random.Intn(2)
	gateways := [][]string{{"192.0.2.2", "192.0.2.3", "198.51.100.2", "198.51.100.3"},
		{"2001:db8:1::2", "fe80::1", "2001:db8:2::2", "fe80::1"}}[f]
	return network.Nexthop{Gateway: addr(gateways[2*wan+random.Intn(2)]), Device: []string{"wan0", "wan1"}[wan], Weight: 1 + random.Intn(3)}
}

func reject(random *rand.Rand, r network.Route) network.Route {
	r.Type = []network.RouteType{network.UnreachableRoute, network.BlackholeRoute, network.ProhibitRoute}[random.Intn(3)]
	if r.Family == network.IPv6 {
		r.Device = "lo"
	}
	return r
}

// decorate adds what the kernel takes as "any" in a deletion when it is missing.
func decorate(random *rand.Rand, r network.Route) network.Route {
	own := map[string][2]netip.Addr{"wan0": {addr("192.0.2.1"), addr("2001:db8:1::1")}, "wan1": {addr("198.51.100.1"), addr("2001:db8:2::1")}}
	if random.Intn(3) == 0 {
		r.PrefSrc = own[r.Device][r.Family]
	}
	if random.Intn(4) == 0 {
		r.Opaque = mtu(1400)
	}
	if r.Family == network.IPv6 && random.Intn(4) == 0 {
		r.Src = prefix("2001:db8:5::/48")
	}
	if r.Family == network.IPv6 && random.Intn(4) == 0 {
		r.Pref = 1
	}
	return r
}

// BenchmarkEditRoutes fills 60 tables with 1,000 routes each, and empties them.
func BenchmarkEditRoutes(b *testing.B) {
	newNamespace(b)
	h := open(b)
	var routes []network.Route
	for table := 1; table <= 60; table++ {
		for i := range 1000 {
			r := via("10.0.0.0/24", "192.0.2.2", "wan0")
			r.Table = table
			r.Dst = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
			routes = append(routes, r)
		}
	}
	for _, run := range []struct {
		name     string
		add, del []network.Route
	}{{"add", routes, nil}, {"delete", nil, routes}} {
		b.Run(run.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				succeed(b, h.EditRoutes(run.del, nil))
				b.StartTimer()
				succeed(b, h.EditRoutes(run.add, run.del))
				b.StopTimer()
				succeed(b, h.EditRoutes(nil, run.add))
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRoutes lists 10,000 routes.
func BenchmarkRoutes(b *testing.B) {
	newNamespace(b)
	h := open(b)
	var routes []network.Route
	for i := range 10000 {
		r := via("10.0.0.0/24", "192.0.2.2", "wan0")
		r.Dst = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
		routes = append(routes, r)
	}
	succeed(b, h.EditRoutes(routes, nil))
	b.ReportAllocs()
	for range b.N {
		list(b, h, 1)
	}
}
