package nft

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netns"

	"mwan3/config"
	"mwan3/plan"
)

// lab is a router with a LAN and two uplinks. The test's thread is in the router; the other two are a switch away.
//
//	client 192.168.1.2… fd00::2 ── lan [router] eth1 198.51.100.1 2001:db8:1::1 ── isp
//	                                           eth2 192.0.2.1    2001:db8:2::1 ── isp
type lab struct {
	*Backend
	t                   testing.TB
	router, client, isp netns.NsHandle
	asked               int // targets used by markOf
}

func newLab(t testing.TB) *lab {
	t.Helper()
	l := &lab{Backend: alone(t), t: t}
	l.router = l.here()
	l.client, l.isp = l.another(), l.another()
	l.link("lan", l.client, "192.168.1", "fd00::")
	l.link("eth1", l.isp, "198.51.100", "2001:db8:1::")
	l.link("eth2", l.isp, "192.0.2", "2001:db8:2::")
	l.tell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0")
	l.tell("ip route add default via 198.51.100.2 dev eth1")
	l.tell("ip -6 route add default via 2001:db8:1::2 dev eth1")
	for id, gateway := range map[int]string{1: "198.51.100.2 dev eth1", 2: "192.0.2.2 dev eth2"} {
		l.tell(fmt.Sprintf("ip route add default via %s table %d", gateway, id))
		l.tell(fmt.Sprintf("ip rule add fwmark %#x/0x3f00 lookup %d", config.DefaultMask.Mark(id), id))
	}
	l.in(l.client, func() {
		l.tell("ip route add default via 192.168.1.1")
		l.tell("ip -6 route add default via fd00::1")
	})
	must(t, l.load(observer))
	return l
}

// observer counts what leaves the marking: the marks of packet and connection, and the device by which it leaves.
// Before the marking it puts foreign bits into both marks of what comes from the LAN.
const observer = `table inet observer {
	set o_ipv4 { type mark . mark; size 100; flags dynamic; }
	set o_ipv6 { type mark . mark; size 100; flags dynamic; }
	set o_nd { type mark . icmpv6_type; size 100; flags dynamic; }
	set o_out { type ifname . mark; size 100; flags dynamic; }
	chain o_before {
		type filter hook prerouting priority mangle - 10;
		iifname "lan" udp dport 7001 meta mark set 0x80ff00ff
		iifname "lan" udp dport 7001 ct mark 0x0 ct mark set 0x40ff00ff
	}
	chain o_after {
		type filter hook prerouting priority mangle + 10;
		ip version 4 udp dport 7000-7999 update @o_ipv4 { meta mark . ct mark counter }
		meta nfproto ipv6 udp dport 7000-7999 update @o_ipv6 { meta mark . ct mark counter }
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } update @o_nd { meta mark . icmpv6 type counter }
	}
	chain o_output {
		type filter hook output priority mangle + 10;
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } update @o_nd { meta mark . icmpv6 type counter }
	}
	chain o_postrouting {
		type filter hook postrouting priority 0;
		udp dport 7000-7999 update @o_out { oifname . meta mark counter }
	}
}
`

func (l *lab) here() netns.NsHandle {
	ns, err := netns.Get()
	must(l.t, err)
	l.t.Cleanup(func() { _ = ns.Close() }) // nothing to do about it
	return ns
}

// another makes a namespace and comes back.
func (l *lab) another() netns.NsHandle {
	ns, err := netns.New()
	must(l.t, err)
	l.t.Cleanup(func() { _ = ns.Close() })
	l.tell("ip link set lo up")
	must(l.t, netns.Set(l.router))
	return ns
}

func (l *lab) in(ns netns.NsHandle, do func()) {
	l.t.Helper()
	must(l.t, netns.Set(ns))
	do()
	must(l.t, netns.Set(l.router))
}

func (l *lab) tell(line string) { l.t.Helper(); tell(l.t, line) }

// link connects the router with another by a pair of devices; the router has address 1, the other has 2 to 9.
func (l *lab) link(device string, to netns.NsHandle, net4, net6 string) {
	l.t.Helper()
	l.tell(fmt.Sprintf("ip link add %s type veth peer name peer netns /proc/%d/fd/%d", device, os.Getpid(), int(to)))
	l.tell("ip link set " + device + " up")
	l.tell("ip address add " + net4 + ".1/24 dev " + device)
	l.tell("ip address add " + net6 + "1/64 nodad dev " + device)
	l.in(to, func() {
		l.tell("ip link set peer name " + device)
		l.tell("ip link set " + device + " up")
		for i := 2; i < 10; i++ {
			l.tell(fmt.Sprintf("ip address add %s.%d/24 dev %s", net4, i, device))
		}
		l.tell("ip address add " + net6 + "2/64 nodad dev " + device)
	})
}

// dial opens a connection from where the thread is.
func (l *lab) dial(from, to string) net.Conn {
	l.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("udp", to)
	must(l.t, err)
	return conn
}

// send opens n connections and sends some packets in each.
func (l *lab) send(from, to string, n, packets int) {
	l.t.Helper()
	for range n {
		conn := l.dial(from, to)
		for range packets {
			_, _ = conn.Write([]byte("hello")) // the answer to one before can be its error; the observer counts
		}
		must(l.t, conn.Close())
	}
}

// open opens a connection from the LAN and returns what sends a packet in it.
func (l *lab) open(from, to string) (send func()) {
	l.t.Helper()
	var conn net.Conn
	l.in(l.client, func() { conn = l.dial(from, to) })
	l.t.Cleanup(func() { _ = conn.Close() }) // nothing to do about it
	return func() { _, _ = conn.Write([]byte("hello")) }
}

// fromClient is send from the LAN.
func (l *lab) fromClient(from, to string, n, packets int) {
	l.t.Helper()
	l.in(l.client, func() { l.send(from, to, n, packets) })
}

// seen waits until the observer's set has counted that many packets and returns the counts, which start again.
func (l *lab) seen(set string, packets int) map[string]int {
	l.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		text, err := l.list("list", "set", "inet", "observer", set)
		must(l.t, err)
		counts, total := counted(text)
		if total >= packets || time.Now().After(deadline) {
			if total != packets {
				l.t.Errorf("%s counted %d packets, not %d: %v", set, total, packets, counts)
			}
			must(l.t, l.load("flush set inet observer "+set+"\n"))
			return counts
		}
	}
}

// counted reads `elements = { 0x00000100 . 0x00000100 counter packets 3 bytes 99, … }`.
func counted(text string) (counts map[string]int, total int) {
	counts = map[string]int{}
	_, inside, _ := strings.Cut(text, "elements = {")
	for _, entry := range strings.Split(strings.ReplaceAll(inside, "}", ""), ",") {
		key, rest, ok := strings.Cut(strings.TrimSpace(entry), " counter packets ")
		if ok {
			n := 0
			_, _ = fmt.Sscan(rest, &n) // 0 fails the test
			counts[key] = n
			total += n
		}
	}
	return counts, total
}

func udp(name string) plan.Rule {
	return plan.Rule{Name: name, Proto: config.ProtoUDP, DstPorts: []config.Ports{{First: 7000, Last: 7999}}, Policy: "balanced"}
}
