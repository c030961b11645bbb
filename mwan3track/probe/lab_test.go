package probe

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"

	"mwan3/emulation"
)

// A lab is a network namespace with one device, up0, behind which the test itself is the internet. Only the test's own
// goroutine, and the sockets that it makes, are in the namespace, which ends with it.
type lab struct {
	t      *testing.T
	link   netlink.Link
	tun    *os.File
	mu     sync.Mutex
	hears  func(packet []byte) bool      // the packets that answer gets
	answer func(request []byte) [][]byte // the packets that come back for a packet that went out
}

var (
	source4 = netip.MustParseAddr("192.0.2.1")
	source6 = netip.MustParseAddr("2001:db8::1")
)

func newLab(t *testing.T) *lab {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // and never unlocked: the thread dies with the goroutine
	must(t, syscall.Unshare(syscall.CLONE_NEWNET))
	tun := openTUN(t, "up0")
	link, err := netlink.LinkByName("up0")
	must(t, err)
	for _, prefix := range []string{"192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "2001:db8::2/64"} {
		addr, err := netlink.ParseAddr(prefix)
		must(t, err)
		addr.Flags = syscall.IFA_F_NODAD
		must(t, netlink.AddrAdd(link, addr))
	}
	must(t, netlink.LinkSetUp(link))
	awaitLocal(t, source6, netip.MustParseAddr("2001:db8::2"))
	l := &lab{t: t, link: link, tun: tun, hears: isRequest, answer: echo}
	go l.run()
	t.Cleanup(func() { tun.Close() })
	return l
}

// awaitLocal waits until packets to the addresses reach the kernel itself. It takes it a moment even without duplicate
// address detection.
func awaitLocal(t *testing.T, addrs ...netip.Addr) {
	t.Helper()
	local := &netlink.Route{Table: syscall.RT_TABLE_LOCAL}
	for end := time.Now().Add(20 * time.Second); len(addrs) > 0; time.Sleep(time.Millisecond) {
		routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, local, netlink.RT_FILTER_TABLE)
		must(t, err)
		addrs = slices.DeleteFunc(addrs, func(addr netip.Addr) bool {
			return slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Dst != nil && r.Dst.IP.Equal(addr.AsSlice()) })
		})
		if time.Now().After(end) {
			t.Fatalf("no local routes to %v", addrs)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openTUN makes a TUN device without packet information (TUNSETIFF of linux/if_tun.h).
func openTUN(t *testing.T, name string) *os.File {
	t.Helper()
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	must(t, err)
	var request struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], name)
	request.flags = 0x1 | 0x1000 // IFF_TUN | IFF_NO_PI
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), 0x400454ca, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatal(errno)
	}
	return os.NewFile(uintptr(fd), name)
}

// run answers until the device is closed.
func (l *lab) run() {
	buf := make([]byte, 65536)
	for {
		n, err := l.tun.Read(buf)
		if err != nil {
			return
		}
		l.mu.Lock()
		answer, hears := l.answer, l.hears
		l.mu.Unlock()
		if !hears(buf[:n]) {
			continue
		}
		for _, packet := range answer(append([]byte(nil), buf[:n]...)) {
			_, _ = l.tun.Write(packet)
		}
	}
}

// behave changes how the internet answers.
func (l *lab) behave(answer func(request []byte) [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

func isRequest(packet []byte) bool {
	return len(packet) >= 28 && packet[0]>>4 == 4 && packet[9] == 1 && packet[20] == echoRequest4 ||
		len(packet) >= 48 && packet[0]>>4 == 6 && packet[6] == 58 && packet[40] == echoRequest6
}

// echo answers as a good target does.
func echo(request []byte) [][]byte {
	return [][]byte{reply4or6(request, func(m []byte) []byte { return m })}
}

// silence does not answer.
func silence([]byte) [][]byte { return nil }

// reply4or6 turns a request into an answer; edit changes its ICMP message before the checksum is computed.
func reply4or6(request []byte, edit func(message []byte) []byte) []byte {
	if request[0]>>4 == 4 {
		message := edit(append([]byte{echoReply4}, request[21:]...))
		packet := append(header4(netip.AddrFrom4([4]byte(request[16:20])), 1, len(message)), message...)
		copy(packet[16:20], request[12:16])
		binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
		fixChecksum(packet[20:], 0)
		return packet
	}
	message := edit(append([]byte{echoReply6}, request[41:]...))
	packet := append(append([]byte(nil), request[:40]...), message...)
	binary.BigEndian.PutUint16(packet[4:], uint16(len(message)))
	copy(packet[8:], request[24:40])
	copy(packet[24:], request[8:24])
	pseudo := append(append([]byte(nil), packet[8:40]...), 0, 0, byte(len(message)>>8), byte(len(message)), 0, 0, 0, 58)
	fixChecksum(packet[40:], ^checksum(pseudo))
	return packet
}

func fixChecksum(message []byte, start uint16) {
	if len(message) < 4 {
		return
	}
	message[2], message[3] = 0, 0
	sum := append([]byte{byte(start >> 8), byte(start)}, message...)
	binary.BigEndian.PutUint16(message[2:], checksum(sum))
}

// sourceOf returns the address that a request came from.
func sourceOf(request []byte) netip.Addr {
	if request[0]>>4 == 4 {
		return netip.AddrFrom4([4]byte(request[12:16]))
	}
	return netip.AddrFrom16([16]byte(request[8:24]))
}

// from changes the source of an answer, and with it the checksums.
func from(source netip.Addr) func([]byte) [][]byte {
	return func(request []byte) [][]byte {
		if request[0]>>4 == 4 {
			copy(request[16:20], source.AsSlice())
		} else {
			copy(request[24:40], source.AsSlice())
		}
		return echo(request)
	}
}

// edited answers with changed messages.
func edited(edit func(message []byte) []byte) func([]byte) [][]byte {
	return func(request []byte) [][]byte { return [][]byte{reply4or6(request, edit)} }
}

// route adds a default route over the device to a table, with a preferred source.
func (l *lab) route(table int, source netip.Addr) {
	l.t.Helper()
	dst := &net.IPNet{IP: make(net.IP, len(source.AsSlice())), Mask: net.CIDRMask(0, source.BitLen())}
	must(l.t, netlink.RouteAdd(&netlink.Route{LinkIndex: l.link.Attrs().Index, Dst: dst, Table: table, Src: source.AsSlice()}))
}

// rule makes a mark select a table.
func (l *lab) rule(mark uint32, table int, family int) {
	l.t.Helper()
	rule := netlink.NewRule()
	mask := uint32(0x3f00)
	rule.Family, rule.Mark, rule.Mask, rule.Table = family, mark, &mask, table
	must(l.t, netlink.RuleAdd(rule))
}
