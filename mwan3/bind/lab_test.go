package bind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netns"

	"mwan3/emulation"
	"mwan3/network"
)

// lab is a router with two ways to a server, which lets in only the right sources on each. Main leads through wan1; the
// mark 0x100 leads through wan0.
//
//	router: wan0 10.0.1.2 2001:db8:1::2 ── far0 10.0.1.1 2001:db8:1::1 :server 198.51.100.10 2001:db8:51::10
//	        wan1 10.0.2.2 2001:db8:2::2 ── far1 10.0.2.1 2001:db8:2::1
//
// The server and the router itself answer each datagram and connection, on port 7, with the peer's address.
type lab struct {
	t              testing.TB
	router, server netns.NsHandle
	wan0           uint32
}

const (
	target4, target6 = "198.51.100.10:7", "[2001:db8:51::10]:7"
	home4, home6     = "127.0.0.1:7", "[::1]:7"
)

func newLab(t testing.TB) *lab {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // never unlocked: the thread, and the namespace with it, ends with the test
	l := &lab{t: t}
	l.router, l.server = l.another(), l.another()
	l.in(l.router)
	l.wire(0)
	l.wire(1)
	for _, line := range strings.Split(`ip route add default via 10.0.2.1
ip -6 route add default via 2001:db8:2::1
ip rule add pref 2001 fwmark 0x100/0x3f00 lookup 1
ip -6 rule add pref 2001 fwmark 0x100/0x3f00 lookup 1
ip route add default via 10.0.1.1 dev wan0 table 1
ip -6 route add default via 2001:db8:1::1 dev wan0 table 1
ip route add default via 10.0.1.1 dev wan0 metric 100
ip -6 route add default via 2001:db8:1::1 dev wan0 metric 10000`, "\n") {
		l.tell(line)
	}
	l.serve(home4, home6)
	wan0, err := net.InterfaceByName("wan0")
	must(t, err)
	l.wan0 = uint32(wan0.Index)
	l.in(l.server)
	l.tell("ip addr add 198.51.100.10/32 dev lo")
	l.tell("ip addr add 2001:db8:51::10/128 dev lo nodad")
	l.tell("nft add table inet far { chain in { type filter hook input priority 0; " +
		"iifname far0 ip saddr != 10.0.1.2 drop; iifname far1 ip saddr != 10.0.2.2 drop; meta l4proto ipv6-icmp accept; " +
		"iifname far0 ip6 saddr != 2001:db8:1::2 drop; iifname far1 ip6 saddr != 2001:db8:2::2 drop; }; }")
	l.serve(target4, target6)
	l.in(l.router)
	t.Cleanup(func() { clean(t) })
	return l
}

// clean removes the cgroups that the test's children were in.
func clean(t testing.TB) {
	parent, err := findParent()
	must(t, err)
	unlock, err := lock(parent)
	must(t, err)
	defer unlock()
	sweep(parent)
}

func (l *lab) another() netns.NsHandle {
	l.t.Helper()
	ns, err := netns.New()
	if err != nil {
		l.t.Fatalf("make a network namespace (tests need root): %v", err)
	}
	l.t.Cleanup(func() { _ = ns.Close() })
	for _, file := range []string{"ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"} {
		must(l.t, os.WriteFile("/proc/sys/net/"+file, []byte("0"), 0))
	}
	l.tell("ip link set lo up")
	return ns
}

func (l *lab) in(ns netns.NsHandle) {
	l.t.Helper()
	must(l.t, netns.Set(ns))
}

// wire makes the router's device number n.
func (l *lab) wire(n int) {
	l.t.Helper()
	l.tell(fmt.Sprintf("ip link add wan%d type veth peer name far%d netns /proc/self/fd/%d", n, n, l.server))
	for _, side := range []struct {
		ns     netns.NsHandle
		device string
		host   int
	}{{l.server, "far", 1}, {l.router, "wan", 2}} {
		l.in(side.ns)
		device := fmt.Sprint(side.device, n)
		l.tell(fmt.Sprintf("ip addr add 10.0.%d.%d/24 dev %s", n+1, side.host, device))
		l.tell(fmt.Sprintf("ip addr add 2001:db8:%d::%d/64 dev %s nodad", n+1, side.host, device))
		l.tell(fmt.Sprintf("ip link set %s up", device))
	}
}

// tell runs a command in the thread's namespace.
func (l *lab) tell(line string) {
	l.t.Helper()
	words := strings.Fields(line)
	if words[0] == "nft" {
		words = []string{"nft", strings.TrimPrefix(line, "nft ")}
	}
	command := exec.Command(words[0], words[1:]...)
	command.ExtraFiles = nil
	if strings.Contains(line, "/proc/self/fd/") {
		command.Args = strings.Fields(strings.Replace(line, "/proc/self/fd/", fmt.Sprintf("/proc/%d/fd/", os.Getpid()), 1))
	}
	if out, err := command.CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// serve answers at the addresses in the thread's namespace, TCP and UDP.
func (l *lab) serve(addresses ...string) {
	l.t.Helper()
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		must(l.t, err)
		socket, err := net.ListenPacket("udp", address)
		must(l.t, err)
		l.t.Cleanup(func() { listener.Close(); socket.Close() })
		go serveTCP(listener)
		go serveUDP(socket)
	}
}

func serveTCP(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		fmt.Fprintln(conn, host(conn.RemoteAddr()))
		conn.Close()
	}
}

func serveUDP(socket net.PacketConn) {
	var datagram [64]byte
	for {
		_, peer, err := socket.ReadFrom(datagram[:])
		if err != nil {
			return
		}
		_, _ = socket.WriteTo([]byte(host(peer)+"\n"), peer)
	}
}

func host(addr net.Addr) string {
	return netip.MustParseAddrPort(addr.String()).Addr().Unmap().String()
}

// binding is one to wan0.
func (l *lab) binding(f network.Family) Binding {
	b := Binding{Family: f, Device: "wan0", Index: l.wan0, Mark: 0x3f00, Route: 0x100}
	b.Source = netip.MustParseAddr(map[network.Family]string{network.IPv4: "10.0.1.2", network.IPv6: "2001:db8:1::2"}[f])
	return b
}

// ask runs this test program again, bound, and returns what it said about each thing it was asked to do.
func (l *lab) ask(entries []entry, things ...string) string {
	l.t.Helper()
	text, err := json.Marshal(entries)
	must(l.t, err)
	child := exec.Command("/proc/self/exe", things...)
	child.Env = append(os.Environ(), childEnv+"="+string(text))
	var stderr bytes.Buffer
	child.Stderr = &stderr
	out, err := child.Output()
	if err != nil {
		l.t.Fatalf("%v: %v\n%s", things, err, stderr.String())
	}
	return string(out)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
