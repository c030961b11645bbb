package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"mwan3/emulation"
)

// A street is two network namespaces with an Ethernet between them: up0 on our side, far0 on that of the targets. The
// test's goroutine is on ours.
type street struct {
	t           *testing.T
	here, there netns.NsHandle
	far         netlink.Link
	near        netlink.Link
}

// Hosts of the street: the target, somebody else, and one that never answers.
var (
	other4 = netip.MustParseAddr("192.0.2.8")
	other6 = netip.MustParseAddr("2001:db8::8")
	mute4  = netip.MustParseAddr("192.0.2.9")
	mute6  = netip.MustParseAddr("2001:db8::9")
)

// short is long enough for what must not come, long for what must.
const (
	short = 300 * time.Millisecond
	long  = 20 * time.Second
)

func newStreet(t *testing.T) *street {
	t.Helper()
	t.Parallel()
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // and never unlocked: our namespace ends with the thread
	must(t, syscall.Unshare(syscall.CLONE_NEWNET))
	s := &street{t: t}
	var err error
	s.here, err = netns.Get()
	must(t, err)
	s.there, err = netns.New()
	must(t, err)
	must(t, netns.Set(s.here))
	t.Cleanup(func() { s.here.Close(); s.there.Close() })
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up0"}, PeerName: "far0", PeerNamespace: netlink.NsFd(s.there)}))
	s.beyond(func() {
		s.far = s.bringUp("far0", "192.0.2.7/24", "192.0.2.8/24", "2001:db8::7/64", "2001:db8::8/64")
	})
	s.near = s.bringUp("up0", "192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "2001:db8::2/64")
	s.beyond(func() { awaitLocal(t, target6, other6) })
	awaitLocal(t, source6, netip.MustParseAddr("2001:db8::2"))
	for _, mute := range []netip.Addr{mute4, mute6} {
		must(t, netlink.NeighAdd(&netlink.Neigh{LinkIndex: s.near.Attrs().Index, State: netlink.NUD_PERMANENT, IP: mute.AsSlice(),
			HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}}))
	}
	return s
}

// beyond does something on the other side; sockets that it opens stay there.
func (s *street) beyond(do func()) {
	s.t.Helper()
	must(s.t, netns.Set(s.there))
	defer func() { must(s.t, netns.Set(s.here)) }()
	do()
}

func (s *street) bringUp(name string, prefixes ...string) netlink.Link {
	s.t.Helper()
	link, err := netlink.LinkByName(name)
	must(s.t, err)
	for _, prefix := range prefixes {
		addr, err := netlink.ParseAddr(prefix)
		must(s.t, err)
		addr.Flags = syscall.IFA_F_NODAD
		must(s.t, netlink.AddrAdd(link, addr))
	}
	must(s.t, netlink.LinkSetUp(link))
	return link
}

// udp opens a UDP socket on the other side.
func (s *street) udp(addr netip.Addr, port uint16) *net.UDPConn {
	s.t.Helper()
	var conn *net.UDPConn
	s.beyond(func() {
		var err error
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
		must(s.t, err)
	})
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// serve answers datagrams to a target's port.
func (s *street) serve(addr netip.Addr, port uint16, answer func(conn *net.UDPConn, from netip.AddrPort, packet []byte)) func() {
	conn := s.udp(addr, port)
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			answer(conn, from, append([]byte(nil), buffer[:n]...))
		}
	}()
	return func() { conn.Close() }
}

// listen accepts connections to a target's port, one after the other.
func (s *street) listen(addr netip.Addr, port uint16, answer func(conn net.Conn)) func() {
	s.t.Helper()
	var listener *net.TCPListener
	s.beyond(func() {
		var err error
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
		must(s.t, err)
	})
	s.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			answer(conn)
			conn.Close()
		}
	}()
	return func() { listener.Close() }
}

// muteTarget is the host of a family that never answers.
func muteTarget(i int) Target { return Target{Addr: []netip.Addr{mute4, mute6}[i]} }

// all makes a Prober of each kind for a path.
func all(path Path, timeout time.Duration) map[string]Prober {
	web := HTTPOptions{Count: 1, Port: 80, Timeout: timeout, Path: "/", Status: 204}
	tcp := TCPOptions{Count: 1, Port: 80, Timeout: timeout}
	probers := map[string]Prober{
		"nslookup":  NewDNS(path, DNSOptions{Name: "www.example.org", Port: 53, Timeout: timeout}),
		"nping-udp": NewUDP(path, UDPOptions{Count: 1, Port: 40125, Timeout: timeout}), "tcp": NewTCP(path, tcp),
		"nping-tcp": NewTCPPing(path, tcp), "http": NewHTTP(path, web), "httping": NewHTTPing(path, web), "tls": NewTLSPing(path, web),
	}
	if path.Source.Is4() {
		probers["arping"] = NewARP(path, ARPOptions{Count: 1, Timeout: timeout})
		probers["nping-arp"] = NewARP(path, ARPOptions{Count: 1, Timeout: timeout, Fixed: true})
	}
	return probers
}

func TestHostsThatNeverAnswerAreLost(t *testing.T) {
	newStreet(t)
	for i, family := range families {
		for name, prober := range all(family.path, short) {
			result := prober.Probe(context.Background(), muteTarget(i))
			if result != (Result{Loss: 100}) {
				t.Errorf("%s, %s: %+v", name, family.path.Family, result)
			}
		}
	}
}

func TestATargetsOwnTimeoutStandsInForTheMethods(t *testing.T) {
	newStreet(t)
	for i, family := range families {
		target := muteTarget(i)
		target.Timeout = short
		probers := all(family.path, time.Hour)
		probers["ping"] = newPing(t, family.path, PingOptions{Count: 1, Size: 56, TTL: 60, Timeout: time.Hour})
		for name, prober := range probers {
			if result := prober.Probe(context.Background(), target); result != (Result{Loss: 100}) {
				t.Errorf("%s, %s: %+v", name, family.path.Family, result)
			}
		}
	}
}

func TestTheEndOfTheContextInterruptsEveryMethod(t *testing.T) {
	newStreet(t)
	for i, family := range families {
		for name, prober := range all(family.path, time.Hour) {
			ctx, cancel := context.WithCancel(context.Background())
			timer := time.AfterFunc(10*time.Millisecond, cancel)
			for range 2 { // while it waits, and before it begins
				if result := prober.Probe(ctx, muteTarget(i)); !errors.Is(result.Err, context.Canceled) || result.OK {
					t.Errorf("%s, %s: %+v", name, family.path.Family, result)
				}
			}
			timer.Stop()
			must(t, prober.Close())
		}
	}
}

func TestEveryMethodNamesAMissingPathAndTheOtherFamily(t *testing.T) {
	newStreet(t)
	path := families[0].path
	path.Device = "none0"
	for name, prober := range all(path, long) {
		want := "open socket on none0: bind to device: no such device"
		if name == "arping" || name == "nping-arp" {
			want = "find device none0: route ip+net: no such network interface"
		}
		if result := prober.Probe(context.Background(), families[0].target); result.Err == nil || result.Err.Error() != want {
			t.Errorf("%s: %v, want %s", name, result.Err, want)
		}
	}
	for name, prober := range all(families[0].path, long) {
		want := "2001:db8::7 is no ipv4 address"
		if result := prober.Probe(context.Background(), families[1].target); result.Err == nil || result.Err.Error() != want {
			t.Errorf("%s: %v, want %s", name, result.Err, want)
		}
	}
}

func TestConnectionsAndDatagramsCarryTheMarkAndSourceOfTheirPath(t *testing.T) {
	s := newStreet(t)
	l := &lab{t: t, link: s.near}
	for i, family := range families {
		second := []netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2")}[i]
		l.rule(0x3f00, 100, []int{syscall.AF_INET, syscall.AF_INET6}[i])
		l.route(100, second)
		got := make(chan netip.Addr, 1)
		s.listen(family.target.Addr, 80, func(conn net.Conn) {
			got <- conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
			_, _ = io.Copy(io.Discard, conn)
		})
		s.serve(family.target.Addr, 40125, func(conn *net.UDPConn, from netip.AddrPort, _ []byte) {
			got <- from.Addr()
			_, _ = conn.WriteToUDPAddrPort(nil, from)
		})
		for want, path := range map[netip.Addr]Path{
			family.path.Source: family.path,
			second:             {Family: family.path.Family, Device: "up0", Mark: 0x3f00},
		} {
			for _, name := range []string{"tcp", "nping-tcp", "nping-udp"} {
				result := all(path, long)[name].Probe(context.Background(), family.target)
				if source := <-got; !result.OK || result.Latency <= 0 || source != want {
					t.Errorf("%s: %+v from %s, want %s", name, result, source, want)
				}
			}
		}
	}
}
