package nft

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

const target = "203.0.113.7:7000"

// key is a key of the observer: the packet's mark and the connection's.
func key(meta, ct uint32) string { return fmt.Sprintf("0x%08x . 0x%08x", meta, ct) }

func TestAConnectionKeepsItsMarkAndForeignBitsSurvive(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	load(t, l, marking(v4, balanced(share(1, 1)), udp("r")), nil)
	first := key(0x80ff01ff, 0x40ff01ff)
	l.fromClient("192.168.1.2", "203.0.113.7:7001", 3, 2)
	same(t, "new connections", map[string]int{first: 6}, l.seen("o_ipv4", 6))
	send := l.open("192.168.1.3", "203.0.113.7:7001")
	send()
	same(t, "before the verdict", map[string]int{first: 1}, l.seen("o_ipv4", 1))
	must(t, l.LoadPolicies(marking(v4, balanced(share(2, 1)), udp("r")), []string{"balanced"}))
	send()
	same(t, "after the verdict", map[string]int{first: 1}, l.seen("o_ipv4", 1))
	l.fromClient("192.168.1.2", "203.0.113.7:7001", 3, 1)
	same(t, "connections after the verdict", map[string]int{key(0x80ff02ff, 0x40ff02ff): 3}, l.seen("o_ipv4", 3))
}

func TestAMarkThatIsNotInUseIsDecidedAnew(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	must(t, l.load("add rule inet observer o_before udp dport 7002 ct mark set 0x40000900\n"))
	load(t, l, marking(v4, balanced(share(1, 1)), udp("r")), nil)
	l.fromClient("192.168.1.2", "203.0.113.7:7002", 1, 1)
	same(t, "marks", map[string]int{key(0x100, 0x40000100): 1}, l.seen("o_ipv4", 1))
}

func TestSharesFollowTheWeightsAndNothingElseIsUsed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const n = 2000
	load(t, l, marking(v4, balanced(share(1, 3), share(2, 1)), udp("r")), nil)
	l.fromClient("192.168.1.2", target, n, 1)
	counts := l.seen("o_ipv4", n)
	one, two := counts[key(0x100, 0x100)], counts[key(0x200, 0x200)]
	if len(counts) != 2 || one+two != n {
		t.Fatalf("counts %v", counts)
	}
	if off := math.Abs(float64(two) - n/4); off > 5*math.Sqrt(n*0.25*0.75) { // five standard deviations
		t.Errorf("%d of %d connections have a share of a quarter", two, n)
	}
	l.seen("o_out", n)
}

func TestTheConnectionsOfAPolicyWithoutSharesGetItsLastResort(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	policies := lastResorts().marking.Families[0].Policies
	m := marking(v4, policies,
		plan.Rule{Name: "a", Policy: "unknown"}, plan.Rule{Name: "b", Policy: "balanced", Src: addresses("192.168.1.2/32")},
		plan.Rule{Name: "c", Policy: "hole", Src: addresses("192.168.1.3/32")}, plan.Rule{Name: "d", Policy: "main", InDevice: "lan"})
	load(t, l, m, nil)
	for from, mark := range map[string]uint32{"192.168.1.2": 0x3e00, "192.168.1.3": 0x3d00, "192.168.1.4": 0x3f00} {
		l.fromClient(from, target, 1, 1)
		same(t, from, map[string]int{key(mark, mark): 1}, l.seen("o_ipv4", 1))
	}
	counters, err := l.counters(v4)
	must(t, err)
	for i := range counters {
		counters[i].Bytes = 0
	}
	same(t, "counters", []counter{{Rule: "a", Packets: 3}, {Rule: "b", Packets: 1}, {Rule: "c", Packets: 1}, {Rule: "d", Packets: 1}}, counters)
}

func TestNetworksThatNeedNoUplinkGoByTheMainTableAndKeepTheConnectionsMark(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sets := []plan.Set{{Kind: plan.Connected, Family: v4, Prefixes: prefixes("203.0.113.0/25", "203.0.113.7/32")}}
	m := marking(v4, balanced(share(1, 1)), udp("r"))
	load(t, l, m, sets)
	l.fromClient("192.168.1.2", target, 1, 1)
	same(t, "connected", map[string]int{key(0x3f00, 0x3f00): 1}, l.seen("o_ipv4", 1))
	l.fromClient("192.168.1.2", "203.0.113.200:7000", 1, 1)
	same(t, "not connected", map[string]int{key(0x100, 0x100): 1}, l.seen("o_ipv4", 1))
	must(t, l.load("add element inet mwan3 mwan3_dynamic_ipv4 { 203.0.113.200 }\nadd rule inet observer o_before udp dport 7003 ct mark set 0x100\n"))
	l.fromClient("192.168.1.2", "203.0.113.200:7003", 1, 1)
	same(t, "known connection", map[string]int{key(0x3f00, 0x100): 1}, l.seen("o_ipv4", 1))
}

func TestWhatTheRouterSendsItselfIsRoutedAgainByItsMark(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	load(t, l, marking(v4, balanced(share(2, 1)), udp("r")), nil)
	l.send("", target, 2, 2)
	same(t, "out", map[string]int{`"eth2" . 0x00000200`: 4}, l.seen("o_out", 4))
	down := marking(v4, []plan.Policy{{Name: "balanced", Out: []plan.Inbound{inbound(1)}}}, udp("r"))
	must(t, l.LoadPolicies(down, []string{"balanced"}))
	l.send("198.51.100.1", target, 1, 1)
	same(t, "bound to an offline uplink", map[string]int{`"eth1" . 0x00003f00`: 1}, l.seen("o_out", 1))
}

func TestFamiliesOnOneDeviceAreNeverMixed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	e := bothFamilies()
	load(t, l, e.marking, []plan.Set{{Kind: plan.Connected, Family: v4, Prefixes: prefixes("198.51.100.3/32")}})
	l.in(l.isp, func() {
		l.send("198.51.100.2", "198.51.100.1:7000", 3, 1)
		l.send("2001:db8:1::2", "[2001:db8:1::1]:7000", 5, 1)
	})
	same(t, "ipv4", map[string]int{key(0x100, 0x100): 3}, l.seen("o_ipv4", 3))
	same(t, "ipv6", map[string]int{key(0x300, 0x300): 5}, l.seen("o_ipv6", 5))
	l.in(l.isp, func() { l.send("198.51.100.3", "198.51.100.1:7000", 1, 1) })
	same(t, "from a connected network", map[string]int{key(0x3f00, 0x3f00): 1}, l.seen("o_ipv4", 1))
	l.in(l.isp, func() { l.send("2001:db8:2::2", "[2001:db8:2::1]:7000", 1, 1) })
	same(t, "ipv6 on a device of ipv4 only goes to the rules", map[string]int{key(0x300, 0x300): 1}, l.seen("o_ipv6", 1))
}

func TestIPv6NeighbourDiscoveryIsNotMarked(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	load(t, l, marking(v6, balanced(share(1, 1)), all()), nil)
	l.fromClient("fd00::2", "[2001:db8:ffff::7]:7000", 1, 1)
	same(t, "udp", map[string]int{key(0x100, 0x100): 1}, l.seen("o_ipv6", 1))
	l.in(l.client, func() {
		l.tell("ip -6 neigh flush dev lan")
		l.send("fd00::2", "[fd00::1]:7500", 1, 1)
	})
	l.seen("o_ipv6", 1)
	text, err := l.list("list", "set", "inet", "observer", "o_nd")
	must(t, err)
	counts, _ := counted(text)
	for _, kind := range []string{"solicit", "advert"} {
		if counts["0x00000000 . nd-neighbor-"+kind] == 0 || len(counts) != 2 {
			t.Errorf("neighbour discovery has marks: %v", counts)
		}
	}
}

// stickyPlan is a sticky rule with two interfaces of which the given ones are usable.
func stickyPlan(timeout time.Duration, ids ...int) plan.Marking {
	policy := plan.Policy{Name: "balanced", LastResort: config.Default}
	r := udp("r")
	r.Sticky = &plan.Sticky{Timeout: timeout}
	for _, id := range []int{2, 1} {
		usable := slices.Contains(ids, id)
		r.Sticky.Members = append(r.Sticky.Members, plan.StickyMember{Mark: wan(id), Usable: usable})
		if usable {
			policy.Shares = append(policy.Shares, share(id, 1))
		}
	}
	return marking(v4, []plan.Policy{policy}, r)
}

// markOf is the mark that all of some new connections get. Each call has a target of its own, lest a port that is used
// again makes an old connection of a new one.
func (l *lab) markOf(from string, connections int) string {
	l.t.Helper()
	l.asked++
	l.fromClient(from, fmt.Sprintf("203.0.113.%d:7000", l.asked), connections, 1)
	counts := l.seen("o_ipv4", connections)
	if len(counts) != 1 {
		l.t.Errorf("%s got %v", from, counts)
	}
	for mark := range counts {
		return mark
	}
	return ""
}

func TestASourceSticksToItsInterfaceUntilItMustMove(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	one, two, main := key(0x100, 0x100), key(0x200, 0x200), key(0x3f00, 0x3f00)
	both := stickyPlan(time.Hour, 1, 2)
	load(t, l, both, nil)
	used := map[string]int{}
	for i := 2; i < 10; i++ {
		used[l.markOf(fmt.Sprint("192.168.1.", i), 20)]++
	}
	same(t, "sources", 8, used[one]+used[two])

	verdict := func(ids ...int) {
		t.Helper()
		must(t, l.LoadPolicies(stickyPlan(time.Hour, ids...), []string{"balanced"}))
	}
	verdict(1)
	same(t, "only the first is usable", one, l.markOf("192.168.1.2", 5))
	verdict(1, 2)
	same(t, "both are usable again", one, l.markOf("192.168.1.2", 20))
	verdict(2)
	same(t, "only the second is usable", two, l.markOf("192.168.1.2", 5))
	verdict()
	same(t, "none is usable", main, l.markOf("192.168.1.2", 5))
	load(t, l, both, nil)
	same(t, "both are usable after a reload", two, l.markOf("192.168.1.2", 20))
	sets := append(elementsOf(t, l.Backend, stickyName("r", "wan1", v4)), elementsOf(t, l.Backend, stickyName("r", "wan2", v4))...)
	slices.Sort(sets)
	same(t, "each source is in one set", []string{"192.168.1.2", "192.168.1.3", "192.168.1.4", "192.168.1.5", "192.168.1.6", "192.168.1.7", "192.168.1.8", "192.168.1.9"}, sets)
}

func TestAStickySourceIsForgottenAfterItsTimeout(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	load(t, l, stickyPlan(time.Second, 1), nil)
	l.markOf("192.168.1.2", 1)
	same(t, "entries", []string{"192.168.1.2"}, elementsOf(t, l.Backend, stickyName("r", "wan1", v4)))
	for deadline := time.Now().Add(10 * time.Second); elementsOf(t, l.Backend, stickyName("r", "wan1", v4)) != nil; {
		if time.Now().After(deadline) {
			t.Fatal("the entry is still there")
		}
	}
	load(t, l, stickyPlan(time.Second, 1, 2), nil)
	used := map[string]int{}
	for i := range 40 { // each forgotten source is decided anew: all 40 alike has a chance of 2^-39
		must(t, l.load(fmt.Sprintf("flush set inet mwan3 %s\nflush set inet mwan3 %s\n", stickyName("r", "wan1", v4), stickyName("r", "wan2", v4))))
		used[l.markOf(fmt.Sprint("192.168.1.", 2+i%8), 1)]++
	}
	same(t, "interfaces", 2, len(used))
}

func TestIPv6SourcesStick(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	m := stickyPlan(time.Hour, 1, 2)
	m.Families[0].Family = network.IPv6
	load(t, l, m, nil)
	l.fromClient("fd00::2", "[2001:db8:ffff::7]:7000", 30, 1)
	same(t, "marks", 1, len(l.seen("o_ipv6", 30)))
}
