package nft

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// stream is what the atomicity tests send without pause, in both families: packets that are decided anew each time, as they
// belong to no connection.
type stream struct {
	port uint16 // it belongs to one kind of condition
	to   [2]string
	mark uint32 // what each plan has to give
}

func streams() []stream {
	anywhere := [2]string{"203.0.113.7", "2001:db8:ffff::7"}
	return []stream{
		{7100, anywhere, 0x100}, {7101, anywhere, 0x100}, // single ports
		{7105, anywhere, 0x100}, {7109, anywhere, 0x100}, // a range and a port beside it
		{7110, anywhere, 0x100}, // sources
		{7120, anywhere, 0x100}, // destinations
		{7130, anywhere, 0x100}, // none of some sources and of some destinations
		{7131, anywhere, 0x100}, // one of some excluded destinations
		{7140, [2]string{"198.18.0.1", "2001:db8:ffff:1::1"}, 0x100}, // a set of the user's, a copy
		{7150, anywhere, 0x100},  // sticks to one of two
		{7160, anywhere, 0x3f00}, // sticks, but none is usable
		{7170, [2]string{"198.51.100.200", "2001:db8:1::200"}, 0x3f00}, // a connected network
		{7180, [2]string{"10.11.12.13", "2001:db8:ffff:2::1"}, 0x3f00}, // one of a table of rt_table_lookup
	}
}

// atomicPlans have the same answer for each stream, but differ around it.
func atomicPlans() (plans [2]plan.Marking, sets [2][]plan.Set) {
	for i := range plans {
		plans[i] = plan.Marking{Mask: config.DefaultMask, LogLevel: "notice"}
		for _, f := range network.Families {
			plans[i].Families = append(plans[i].Families, atomicFamily(f, i))
			sets[i] = append(sets[i], atomicSets(f, i)...)
		}
	}
	return plans, sets
}

func atomicFamily(f network.Family, i int) plan.FamilyMarking {
	lan, list, other := "192.168.1.0/24", addresses("198.18.0.0/24", "203.0.113.0/25"), addresses("198.18.0.0/24", "10.99.0.0/16")
	if f == v6 {
		lan, list, other = "fd00::/64", addresses("2001:db8:1111::/48", "2001:db8:ffff::/64"), addresses("2001:db8:1111::/48", "2001:db8:2222::/48")
	}
	members := &plan.Sticky{Timeout: time.Hour, Members: []plan.StickyMember{usable(2), usable(1)}}
	unusable := &plan.Sticky{Timeout: time.Hour, Members: []plan.StickyMember{{Mark: wan(2)}, {Mark: wan(1)}}}
	sources := addresses(other.Prefixes[1].String(), lan)
	rules := []plan.Rule{
		{Name: "ports", Policy: "one", DstPorts: ranges(7100, 7100, 7101, 7101, 7102, 7102)},
		{Name: "ranges", Policy: "one", DstPorts: ranges(7103, 7107, 7109, 7109)},
		{Name: "sources", Policy: "one", Src: sources, DstPorts: ranges(7110, 7110)},
		{Name: "destinations", Policy: "one", Dst: list, DstPorts: ranges(7120, 7120)},
		{Name: "excluded", Policy: "one", Src: not(other), Dst: not(other), DstPorts: ranges(7130, 7130)},
		{Name: "others", Policy: "two", Dst: not(list), DstPorts: ranges(7131, 7131)},
		{Name: "excluded_ones", Policy: "one", DstPorts: ranges(7131, 7131)},
		{Name: "set", Policy: "one", Set: fmt.Sprint("copy", f), DstPorts: ranges(7140, 7140)},
		{Name: "sticky", Policy: "both", Sticky: members, DstPorts: ranges(7150, 7150)},
		{Name: "held", Policy: "none", Sticky: unusable, DstPorts: ranges(7160, 7160)},
		{Name: "connections", Policy: "balanced", DstPorts: ranges(7000, 7001)},
	}
	for n := range rules {
		rules[n].Proto = config.ProtoUDP
	}
	if i == 1 {
		rules = append([]plan.Rule{{Name: "more", Proto: config.ProtoTCP, DstPorts: ranges(22, 22, 80, 90), Policy: "balanced"}}, rules...)
	}
	policies := []plan.Policy{{Name: "one", Shares: []plan.Share{share(1, 1)}}, {Name: "two", Shares: []plan.Share{share(2, 1)}}, {Name: "both", Shares: []plan.Share{share(1, 1), share(2, 1)}},
		{Name: "none", LastResort: config.Default}, {Name: "balanced", Shares: []plan.Share{share(1+i, 1)}}}
	return marking(f, policies, append(rules, plan.Rule{Name: "missed", Special: config.Blackhole})...).Families[0]
}

func atomicSets(f network.Family, i int) []plan.Set {
	connected, custom, copied := []string{"198.51.100.0/24", "192.0.2.0/24"}, []string{"10.11.0.0/16", "172.16.0.0/12"}, []string{"198.18.0.0/16", "10.98.0.0/16"}
	if f == v6 {
		connected, custom, copied = []string{"2001:db8:1::/64", "2001:db8:2::/64"}, []string{"2001:db8:ffff:2::/64", "fd01::/16"}, []string{"2001:db8:ffff:1::/64", "fd02::/16"}
	}
	return []plan.Set{ // the first prefix is always there
		{Kind: plan.Connected, Family: f, Prefixes: prefixes(connected[:2-i]...)}, {Kind: plan.Custom, Family: f, Prefixes: prefixes(custom[:1+i]...)},
		{Kind: plan.User, Name: fmt.Sprint("copy", f), Family: f, Copy: true, Prefixes: prefixes(copied[:2-i]...)},
	}
}

// ranges makes ranges of pairs of ports.
func ranges(ends ...uint16) []config.Ports {
	var list []config.Ports
	for ; len(ends) > 1; ends = ends[2:] {
		list = append(list, config.Ports{First: ends[0], Last: ends[1]})
	}
	return list
}

// streamObserver takes the streams out of connection tracking and counts what marks they have after the marking.
const streamObserver = `table inet observer {
	set o_in { type inet_service; size 100; flags dynamic; }
	set o_streams { typeof meta nfproto . udp dport . meta mark; size 1000; flags dynamic; }
	chain o_untracked {
		type filter hook prerouting priority raw;
		iifname "lan" udp dport 7100-7199 update @o_in { udp dport counter } notrack
	}
	chain o_drop {
		type filter hook prerouting priority mangle + 20;
		iifname "lan" udp dport 7100-7199 update @o_streams { meta nfproto . udp dport . meta mark counter } drop
		iifname "lan" icmpv6 type nd-router-solicit update @o_nd { meta mark . icmpv6 type counter } drop
	}
}
`

// flood sends, until it is ended, all streams, a connection that is known, router solicitations, and now and then a packet of a
// new connection.
type flood struct {
	stop   atomic.Bool
	done   chan bool
	conns  []net.Conn
	opener *net.UDPConn
}

func (l *lab) flood() *flood {
	l.t.Helper()
	must(l.t, l.load(streamObserver))
	f := &flood{done: make(chan bool)}
	l.in(l.client, func() {
		for _, s := range streams() {
			for i, from := range [...]string{"192.168.1.2", "fd00::2"} {
				f.conns = append(f.conns, l.dial(from, net.JoinHostPort(s.to[i], fmt.Sprint(s.port))))
			}
		}
		f.conns = append(f.conns, l.dial("192.168.1.2", "203.0.113.7:7001"))
		icmp, err := net.Dial("ip6:ipv6-icmp", "fd00::1")
		must(l.t, err)
		f.conns = append(f.conns, icmp)
		f.opener, err = net.ListenUDP("udp4", nil)
		must(l.t, err)
	})
	go f.send()
	return f
}

func (f *flood) send() {
	solicit := []byte{133, 0, 0, 0, 0, 0, 0, 0} // RFC 4861, section 4.1; to UDP it is just some bytes
	for n := 0; !f.stop.Load(); n++ {
		for _, conn := range f.conns {
			_, _ = conn.Write(solicit) // the observer counts
		}
		if n%20 == 0 {
			_, _ = f.opener.WriteToUDP(solicit, &net.UDPAddr{IP: net.IPv4(203, 0, byte(n/20/256), byte(n/20)), Port: 7000})
		}
	}
	for _, conn := range append(f.conns, f.opener) {
		_ = conn.Close() // nothing to do about it
	}
	close(f.done)
}

func (f *flood) end() {
	f.stop.Store(true)
	<-f.done
}

// counts reads a set of the observer.
func (l *lab) counts(set string) (counts map[string]int, total int) {
	l.t.Helper()
	text, err := l.list("list", "set", "inet", "observer", set)
	must(l.t, err)
	return counted(text)
}

// streamCounts waits until all packets that came in have been counted with their marks.
func (l *lab) streamCounts() map[string]int {
	l.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		counts, total := l.counts("o_streams")
		_, in := l.counts("o_in")
		if total == in {
			return counts
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("%d of %d packets are lost", in-total, in)
		}
	}
}

// checkStreams fails the test if a packet of a stream has another mark than its own, or than one of those that are allowed besides.
func (l *lab) checkStreams(besides ...uint32) {
	l.t.Helper()
	counts := l.streamCounts()
	for _, s := range streams() {
		for _, family := range network.Families {
			key := func(mark uint32) string { return fmt.Sprintf("%s . %d . 0x%08x", family, s.port, mark) }
			if counts[key(s.mark)] == 0 {
				l.t.Errorf("nothing of the stream %s", key(s.mark))
			}
			for _, mark := range append(besides, s.mark) {
				delete(counts, key(mark))
			}
		}
	}
	if len(counts) > 0 {
		l.t.Errorf("packets were between two tables: %v", counts)
	}
}

func TestEachPacketMeetsTheOldTableOrTheNewOne(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	plans, sets := atomicPlans()
	load(t, l, plans[0], sets[0])
	l.knowClient()
	f := l.flood()
	var err error
	for i := range 50 {
		_, err1 := l.Load(plans[i%2], sets[i%2])
		err = errors.Join(err, err1, l.LoadPolicies(plans[1-i%2], []string{"one", "two", "both", "none", "balanced"}))
		if i%10 == 5 {
			err = errors.Join(err, l.LoadSets(sets[1-i%2]))
		}
	}
	f.end()
	must(t, err)
	l.checkStreams()
	l.checkRest()
}

func TestTheFirstLoadTakesEffectAtOneBlow(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	plans, sets := atomicPlans()
	f := l.flood()
	var err error
	for range 20 {
		_, err1 := l.Load(plans[0], sets[0])
		err = errors.Join(err, err1, l.Remove())
	}
	f.end()
	must(t, err)
	l.checkStreams(0, 0x200) // without a table; what sticks has a choice
}

// knowClient makes the client's addresses stick to the first interface.
func (l *lab) knowClient() {
	l.t.Helper()
	for _, f := range network.Families {
		source := map[network.Family]string{v4: "192.168.1.2", v6: "fd00::2"}[f]
		for _, set := range []string{stickyName("sticky", "wan1", f), stickyName("held", "wan1", f)} {
			command(l.t, l.Backend, fmt.Sprintf("add element inet mwan3 %s { %s timeout 1h }", set, source))
		}
	}
}

// checkRest checks the connections, the router solicitations and what sticky rules have to keep.
func (l *lab) checkRest() {
	l.t.Helper()
	connections, total := l.counts("o_ipv4")
	one, two := key(0x80ff01ff, 0x40ff01ff), key(0x80ff02ff, 0x40ff02ff) // the known connection has foreign bits
	if len(connections) != 3 || connections[one] > 0 == (connections[two] > 0) {
		l.t.Errorf("%d packets of connections were between two tables: %v", total, connections)
	}
	solicitations, _ := l.counts("o_nd")
	if solicitations["0x00000000 . nd-router-solicit"] == 0 {
		l.t.Error("no router solicitations")
	}
	for key := range solicitations {
		if !strings.HasPrefix(key, "0x00000000 ") {
			l.t.Errorf("neighbour discovery has a mark: %s", key)
		}
	}
	for _, f := range network.Families {
		if elementsOf(l.t, l.Backend, stickyName("held", "wan1", f)) == nil {
			l.t.Errorf("a source of %s that was held by a special mark is forgotten", f)
		}
	}
}
