package alike

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"e2e/record"
)

// wire sends packets into the router from outside, and as the router.
type wire struct {
	t       *testing.T
	outside int            // a packet socket in the world
	indexes map[string]int // of the world's ends, by entry
	macs    map[string]net.HardwareAddr
	own     map[sender]int // the router's raw sockets
	cpus    unix.CPUSet    // where the thread may run
	foreign uint32         // the foreign bits of its packets' marks
}

// sender is a kind of raw socket of the router.
type sender struct {
	six    bool
	device string // that it is bound to
	mark   uint32
}

// newWire opens what it takes to send. The caller keeps its thread.
func newWire(t *testing.T, devices []string, foreign uint32) *wire {
	t.Helper()
	w := &wire{t: t, indexes: map[string]int{}, macs: map[string]net.HardwareAddr{}, own: map[sender]int{}, foreign: foreign}
	runtime.LockOSThread()
	w.check(unix.SchedGetaffinity(0, &w.cpus))
	for _, device := range devices {
		link, err := net.InterfaceByName(device)
		w.check(err)
		w.macs[entryOf(device)] = link.HardwareAddr
	}
	router, err := netns.Get()
	w.check(err)
	defer router.Close()
	world, err := netns.GetFromName(record.World)
	w.check(err)
	defer world.Close()
	w.check(netns.Set(world))
	defer func() { w.check(netns.Set(router)) }()
	w.outside, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	w.check(err)
	for _, device := range devices {
		link, err := netlink.LinkByName(device)
		w.check(err)
		w.indexes[entryOf(device)] = link.Attrs().Index
	}
	return w
}

func (w *wire) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// stay keeps the thread on the processor that it is on until leave: packets go through the router on the processor that
// sends them, and so in the order in which they are sent.
func (w *wire) stay() {
	var cpu uint32
	if _, _, fault := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); fault != 0 {
		w.t.Fatal("ask for the processor: ", fault)
	}
	var one unix.CPUSet
	one.Set(int(cpu))
	w.check(unix.SchedSetaffinity(0, &one))
}

// leave lets the thread go to any processor again.
func (w *wire) leave() { w.check(unix.SchedSetaffinity(0, &w.cpus)) }

// send sends a packet of a probe. The error is what the router's kernel says about its own packets.
func (w *wire) send(p probe, packet []byte, preset uint32) error {
	if p.entry == "router" {
		return w.sendOwn(p, packet, preset)
	}
	protocol := uint16(unix.ETH_P_IP)
	if p.src.Is6() {
		protocol = unix.ETH_P_IPV6
	}
	to := &unix.SockaddrLinklayer{Ifindex: w.indexes[p.entry], Protocol: protocol>>8 | protocol<<8, Halen: 6}
	copy(to.Addr[:], w.macs[p.entry])
	if err := unix.Sendto(w.outside, packet, 0, to); err != nil {
		w.t.Fatalf("send %s: %v", p, err)
	}
	return nil
}

// sendOwn sends a packet as the router itself. Errors of the routing are an outcome, others end the test.
func (w *wire) sendOwn(p probe, packet []byte, preset uint32) error {
	socket := w.socket(sender{p.src.Is6(), p.device, w.foreign | preset})
	var to unix.Sockaddr = &unix.SockaddrInet4{Addr: as4(p.dst)}
	if p.src.Is6() {
		to = &unix.SockaddrInet6{Addr: p.dst.As16()}
	}
	err := unix.Sendto(socket, packet, 0, to)
	expected := []error{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EINVAL, unix.EPERM, unix.EACCES}
	for _, e := range expected {
		if errors.Is(err, e) {
			return err
		}
	}
	w.check(err)
	return nil
}

func as4(addr netip.Addr) [4]byte {
	if addr.Is4() {
		return addr.As4()
	}
	return [4]byte{}
}

// socket opens a raw socket of a kind once.
func (w *wire) socket(s sender) int {
	w.t.Helper()
	if socket, ok := w.own[s]; ok {
		return socket
	}
	family := unix.AF_INET
	if s.six {
		family = unix.AF_INET6
	}
	socket, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	w.check(err)
	w.check(unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_MARK, int(s.mark)))
	if s.device != "" {
		w.check(unix.BindToDevice(socket, s.device))
	}
	if s.six {
		w.check(unix.SetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_HDRINCL, 1))
	}
	w.own[s] = socket
	return socket
}

// quiet makes the machine fit for probes: it forwards everything, asks nobody for addresses, and the world answers to
// nothing.
func quiet(t *testing.T, m *record.Router) {
	t.Helper()
	for _, setting := range []string{
		"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0",
		"net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
		"net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0", "net.ipv6.icmp.ratelimit=0", "net.ipv6.icmp.ratemask=",
	} {
		m.Run("sysctl", "-q", "-w", setting)
	}
	for _, device := range m.Devices() {
		m.Run("sysctl", "-q", "-w", "net.ipv4.conf."+device+".rp_filter=0", "net.ipv4.conf."+device+".send_redirects=0")
		m.IP("link", "set", device, "arp", "off")
	}
	m.Run("nsenter", "--net=/run/netns/"+record.World, "nft", "add table inet quiet; add chain inet quiet silent { type filter hook prerouting priority -400; policy drop; }")
}
