package conntrack

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"mwan3/emulation"
)

// lab is a router between a client and a server. The test's thread is in the router; the other two are a switch away.
// The router masquerades what goes to the server, and gives connections marks by their port.
//
//	client 192.168.1.2 fd00::2 ── lan [router] wan 198.51.100.1 2001:db8::1 ── server 198.51.100.2 2001:db8::2
type lab struct {
	t                      testing.TB
	router, client, server netns.NsHandle
}

// marks are foreign bits around ours, or none. Nothing sets a mark twice.
const marks = `table inet lab {
	chain zones {
		type filter hook prerouting priority raw
		udp dport 7005 ct zone set 5
		udp sport 7005 ct zone set 5
	}
	chain marks {
		type filter hook prerouting priority mangle
		ct state != new return
		meta l4proto { tcp, icmp, icmpv6 } ct mark set 0x40ff01aa
		udp dport 7001 ct mark set 0x100
		udp dport 7002 ct mark set 0x80ff02ff
		udp dport 7003 ct mark set 0x300
		udp dport 7005 ct mark set 0x100
		udp dport 10000-14999 ct mark set 0x100
	}
	chain nat {
		type nat hook postrouting priority srcnat
		oifname wan masquerade
	}
}
`

func newLab(t testing.TB) *lab {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // never unlocked: the thread, and the namespace with it, ends with the test
	l := &lab{t: t}
	l.router = l.another()
	l.client, l.server = l.another(), l.another()
	must(t, netns.Set(l.router))
	l.tell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0")
	l.link("lan", l.client, "192.168.1.", "fd00::")
	l.link("wan", l.server, "198.51.100.", "2001:db8::")
	l.in(l.client, func() {
		l.tell("ip route add default via 192.168.1.1")
		l.tell("ip -6 route add default via fd00::1")
	})
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(marks)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	return l
}

// another makes a namespace and stays in it.
func (l *lab) another() netns.NsHandle {
	l.t.Helper()
	ns, err := netns.New()
	if err != nil {
		l.t.Fatalf("make a network namespace (tests need root): %v", err)
	}
	l.t.Cleanup(func() { _ = ns.Close() })
	l.tell("ip link set lo up")
	return ns
}

func (l *lab) in(ns netns.NsHandle, do func()) {
	l.t.Helper()
	must(l.t, netns.Set(ns))
	do()
	must(l.t, netns.Set(l.router))
}

// link connects the router (address 1) with another (address 2).
func (l *lab) link(device string, to netns.NsHandle, net4, net6 string) {
	l.t.Helper()
	l.tell(fmt.Sprintf("ip link add %s type veth peer name %[1]s netns /proc/%d/fd/%d", device, os.Getpid(), int(to)))
	end := func(id string) func() {
		return func() {
			l.tell("ip link set " + device + " up")
			l.tell("ip address add " + net4 + id + "/24 dev " + device)
			l.tell("ip address add " + net6 + id + "/64 nodad dev " + device)
		}
	}
	end("1")()
	l.in(to, end("2"))
}

func (l *lab) tell(line string) {
	l.t.Helper()
	words := strings.Fields(line)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// echo starts a TCP service on the server that sends back what it gets.
func (l *lab) echo(address string) {
	l.t.Helper()
	l.in(l.server, func() {
		listener, err := net.Listen("tcp", address)
		must(l.t, err)
		l.t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
			}
		}()
	})
}

// dial opens a connection from the client.
func (l *lab) dial(network, address string) net.Conn {
	l.t.Helper()
	var conn net.Conn
	l.in(l.client, func() {
		var err error
		conn, err = net.DialTimeout(network, address, 5*time.Second)
		must(l.t, err)
	})
	l.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// dialFromRouter opens a UDP connection of the router's own with one packet; nothing marks or translates it.
func (l *lab) dialFromRouter(address string) {
	l.t.Helper()
	conn, err := net.Dial("udp", address)
	must(l.t, err)
	l.t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte("hello"))
	must(l.t, err)
}

// send opens a UDP connection from the client with one packet.
func (l *lab) send(address string) {
	l.t.Helper()
	_, err := l.dial("udp", address).Write([]byte("hello"))
	must(l.t, err)
}

// fill opens that many UDP connections from the client, all with the mark 0x100 and a source that is translated.
func (l *lab) fill(count int) {
	l.t.Helper()
	l.in(l.client, func() {
		conn, err := net.ListenPacket("udp4", ":0")
		must(l.t, err)
		defer conn.Close()
		for port := range count {
			_, err := conn.WriteTo([]byte("hello"), &net.UDPAddr{IP: net.IPv4(198, 51, 100, 2), Port: 10000 + port})
			must(l.t, err)
		}
	})
	l.await(count)
}

// say proves that a TCP connection works.
func (l *lab) say(conn net.Conn) {
	l.t.Helper()
	must(l.t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err := conn.Write([]byte("hello"))
	must(l.t, err)
	_, err = io.ReadFull(conn, make([]byte, 5))
	must(l.t, err)
}

// list reads the table by other means: protocol, destination and mark of each connection through the router.
func (l *lab) list() []string {
	l.t.Helper()
	var lines []string
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		flows, err := netlink.ConntrackTableList(netlink.ConntrackTable, family)
		must(l.t, err)
		for _, flow := range flows {
			to := flow.Forward.DstIP.String()
			if to == "198.51.100.2" || to == "2001:db8::2" {
				lines = append(lines, fmt.Sprintf("%d %s %d %#x", flow.Forward.Protocol, to, flow.Forward.DstPort, flow.Mark))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// await waits until that many connections are in the table.
func (l *lab) await(count int) []string {
	l.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		lines := l.list()
		if len(lines) == count {
			return lines
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("want %d connections, there are %d:\n%s", count, len(lines), strings.Join(lines, "\n"))
		}
	}
}

func (l *lab) expect(what string, want []string) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.list()); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expectError(t *testing.T, err, is error, want string) {
	t.Helper()
	if err == nil || err.Error() != want || !errors.Is(err, is) {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}
