package bind

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"mwan3/network"
)

// Sizes of the contexts.
const (
	sizeSock   = 80
	sizeAddr   = 72
	sizeOption = 40
)

func orders() []binary.ByteOrder { return []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} }

// bound is a binding to a device with the index 7.
func bound(source string) Binding {
	addr := netip.MustParseAddr(source)
	b := Binding{Device: "wan0", Index: 7, Source: addr, Mark: 0x3f00, Route: 0x100}
	if addr.Is6() {
		b.Family = network.IPv6
	}
	return b
}

func bound4() Binding { return bound("10.0.1.2") }
func bound6() Binding { return bound("2001:db8:1::2") }

// written is a program with all abilities.
func written(b Binding, order binary.ByteOrder, write func(*writer)) []byte {
	w := newWriter(b, order)
	w.tcp, w.can = true, abilities{device: true, errno: true}
	write(w)
	return w.bytes()
}

// at is a bpf_sock_addr with an address, of a socket that is bound to no device.
func at(order binary.ByteOrder, address string) socket {
	addr := netip.MustParseAddr(address)
	s := socket{context: make([]byte, sizeAddr), pointer: addrSocket}
	family, field := uint32(unix.AF_INET), addrIP4
	if addr.Is6() {
		family, field = unix.AF_INET6, addrIP6
	}
	copy(s.context[field:], addr.AsSlice())
	order.PutUint32(s.context[addrFamily:], family)
	order.PutUint32(s.context[addrProtocol:], unix.IPPROTO_UDP)
	return s
}

func TestProgramsDoTheSameOnMachinesOfBothByteOrders(t *testing.T) {
	const (
		on       = `setsockopt 1 25 "wan0"; `
		source4  = `bind 2 00000a0001020000000000000000; `
		source6  = `bind 10 00000000000020010db800010000000000000000000200000000; `
		mapped   = `bind 10 00000000000000000000000000000000ffff0a00010200000000; `
		replaced = "[8]=20010db8; [12]=00010000; [16]=00000000; [20]=00000002; "
	)
	for _, tt := range []struct {
		name    string
		b       Binding
		write   func(*writer)
		address string
		want    string
	}{
		{"connect4", bound4(), (*writer).connect4, "198.51.100.10", on + source4 + "return 1"},
		{"connect4", bound4(), (*writer).connect4, "255.1.2.3", on + source4 + "return 1"},
		{"connect4", bound4(), (*writer).connect4, "127.0.0.53", "return 1"},
		{"connect4", bound4(), (*writer).connect4, "126.0.0.127", on + source4 + "return 1"},
		{"connect4", bound4(), (*writer).connect4, "0.0.0.0", "return 1"},
		{"connect4", bound6(), (*writer).connect4, "198.51.100.10", "ENETUNREACH; return 0"},
		{"connect4", bound6(), (*writer).connect4, "127.0.0.1", "return 1"},
		{"connect6", bound6(), (*writer).connect6, "2001:db8:51::10", on + source6 + "return 1"},
		{"connect6", bound6(), (*writer).connect6, "::1:0:0", on + source6 + "return 1"},
		{"connect6", bound6(), (*writer).connect6, "::2", on + source6 + "return 1"},
		{"connect6", bound6(), (*writer).connect6, "0:0:1::", on + source6 + "return 1"},
		{"connect6", bound6(), (*writer).connect6, "::1", "return 1"},
		{"connect6", bound6(), (*writer).connect6, "::", "return 1"},
		{"connect6", bound6(), (*writer).connect6, "::ffff:127.0.0.1", "return 1"},
		{"connect6", bound6(), (*writer).connect6, "::ffff:198.51.100.10", "ENETUNREACH; return 0"},
		{"connect6", bound4(), (*writer).connect6, "::ffff:198.51.100.10", on + mapped + "return 1"},
		{"connect6", bound4(), (*writer).connect6, "2001:db8:51::10", "ENETUNREACH; return 0"},
		{"connect6", bound4(), (*writer).connect6, "::1", "return 1"},
		{"sendmsg4", bound4(), (*writer).sendmsg4, "198.51.100.10", on + "[40]=0a000102; return 1"},
		{"sendmsg4", bound4(), (*writer).sendmsg4, "127.0.0.1", "return 1"},
		{"sendmsg6", bound6(), (*writer).sendmsg6, "2001:db8:51::10", on + "[44]=20010db8; [48]=00010000; [52]=00000000; [56]=00000002; return 1"},
		{"sendmsg6", bound6(), (*writer).sendmsg6, "::1", "return 1"},
		{"sendmsg6", bound4(), (*writer).sendmsg6, "2001:db8:51::10", "ENETUNREACH; return 0"},
		{"bind4", bound4(), (*writer).listen4, "10.0.2.2", "[4]=0a000102; " + on + "return 1"},
		{"bind4", bound4(), (*writer).listen4, "224.0.0.251", on + "return 1"},
		{"bind4", bound4(), (*writer).listen4, "255.255.255.255", on + "return 1"},
		{"bind4", bound4(), (*writer).listen4, "223.0.0.1", "[4]=0a000102; " + on + "return 1"},
		{"bind4", bound4(), (*writer).listen4, "127.0.0.1", "return 1"},
		{"bind4", bound4(), (*writer).listen4, "0.0.0.0", "return 1"}, // a UDP socket without a port
		{"bind4", bound6(), (*writer).listen4, "10.0.2.2", on + "return 1"},
		{"bind6", bound6(), (*writer).listen6, "2001:db8:2::2", replaced + on + "return 1"},
		{"bind6", bound6(), (*writer).listen6, "ff02::1", on + "return 1"},
		{"bind6", bound6(), (*writer).listen6, "fe80::1", on + "return 1"},
		{"bind6", bound6(), (*writer).listen6, "febf::1", on + "return 1"},
		{"bind6", bound6(), (*writer).listen6, "fec0::1", replaced + on + "return 1"},
		{"bind6", bound6(), (*writer).listen6, "::1", "return 1"},
		{"bind6", bound6(), (*writer).listen6, "::", "return 1"},
		{"bind6", bound4(), (*writer).listen6, "::ffff:10.0.2.2", "[20]=0a000102; " + on + "return 1"},
		{"bind6", bound4(), (*writer).listen6, "::ffff:127.0.0.1", "return 1"},
		{"bind6", bound4(), (*writer).listen6, "2001:db8:2::2", on + "return 1"},
	} {
		for _, order := range orders() {
			t.Run(fmt.Sprintf("%s/%s/%s/%s", tt.name, tt.b.Family, tt.address, order), func(t *testing.T) {
				want := strings.Replace(tt.want, "setsockopt 1 ", fmt.Sprintf("setsockopt %d ", unix.SOL_SOCKET), 1)
				got := run(t, order, written(tt.b, order, tt.write), at(order, tt.address))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestNewSocketsGetMarkAndDeviceByTheirProtocol(t *testing.T) {
	const eager = "[0]=0x7; [16]=0x3f00; return 1"
	unrouted := bound4()
	unrouted.Route = 0
	for _, tt := range []struct {
		b                Binding
		family, protocol uint32
		want             string
	}{
		{bound4(), unix.AF_INET, unix.IPPROTO_TCP, "[16]=0x3f00; return 1"},
		{bound4(), unix.AF_INET6, unix.IPPROTO_TCP, "[16]=0x3f00; return 1"},
		{bound4(), unix.AF_INET, unix.IPPROTO_UDP, "[16]=0x100; return 1"},
		{unrouted, unix.AF_INET, unix.IPPROTO_UDP, eager},
		{bound4(), unix.AF_INET, unix.IPPROTO_ICMP, eager},
		{bound4(), unix.AF_INET6, unix.IPPROTO_ICMPV6, "EAFNOSUPPORT; return 0"},
		{bound6(), unix.AF_INET6, unix.IPPROTO_ICMPV6, eager},
		{bound6(), unix.AF_INET, unix.IPPROTO_ICMP, "EAFNOSUPPORT; return 0"},
		{bound4(), unix.AF_INET, unix.IPPROTO_MPTCP, "EPROTONOSUPPORT; return 0"},
		{bound4(), unix.AF_PACKET, 0, "return 1"},
		{bound4(), unix.AF_UNIX, 0, "return 1"},
	} {
		for _, order := range orders() {
			s := socket{context: make([]byte, sizeSock), pointer: sizeSock}
			order.PutUint32(s.context[sockFamily:], tt.family)
			order.PutUint32(s.context[sockProtocol:], tt.protocol)
			if got := run(t, order, written(tt.b, order, (*writer).create), s); got != tt.want {
				t.Errorf("family %d, protocol %d, %s: got %s, want %s", tt.family, tt.protocol, order, got, tt.want)
			}
		}
	}
}

func TestOptionsThatWouldUndoTheBindingSeemToSucceed(t *testing.T) {
	const done, passed = "[32]=ffffffff; return 1", "[32]=00000000; return 1"
	for _, tt := range []struct {
		family, level, name uint32
		want                string
	}{
		{unix.AF_INET, unix.SOL_SOCKET, unix.SO_MARK, done},
		{unix.AF_INET6, unix.SOL_SOCKET, unix.SO_BINDTODEVICE, done},
		{unix.AF_INET, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, done},
		{unix.AF_INET, unix.SOL_SOCKET, unix.SO_REUSEADDR, passed},
		{unix.AF_INET, unix.SOL_TCP, unix.SO_MARK, passed},
		{unix.AF_PACKET, unix.SOL_SOCKET, unix.SO_MARK, passed},
	} {
		for _, order := range orders() {
			s := socket{family: tt.family, context: make([]byte, sizeOption), pointer: optionSocket}
			order.PutUint32(s.context[optionLevel:], tt.level)
			order.PutUint32(s.context[optionName:], tt.name)
			if got := run(t, order, written(bound4(), order, (*writer).option), s); got != tt.want {
				t.Errorf("%v, %s: got %s, want %s", tt, order, got, tt.want)
			}
		}
	}
}

func TestTheDeviceIsSetOnceAndTakenAwayForLoopback(t *testing.T) {
	for _, order := range orders() {
		code := written(bound4(), order, (*writer).sendmsg4)
		for _, tt := range []struct {
			device  uint32
			address string
			want    string
		}{
			{7, "198.51.100.10", "[40]=0a000102; return 1"},
			{8, "198.51.100.10", fmt.Sprintf(`setsockopt %d 25 "wan0"; [40]=0a000102; return 1`, unix.SOL_SOCKET)},
			{7, "127.0.0.1", fmt.Sprintf(`setsockopt %d 25 ""; return 1`, unix.SOL_SOCKET)},
		} {
			s := at(order, tt.address)
			s.device = tt.device
			if got := run(t, order, code, s); got != tt.want {
				t.Errorf("%s: got %s, want %s", order, got, tt.want)
			}
		}
	}
}

func TestADatagramKeepsTheSourceThatItsSocketHas(t *testing.T) {
	for _, order := range orders() {
		s := at(order, "2001:db8:51::10")
		s.device, s.context[addrSource6+15] = 7, 1
		if got := run(t, order, written(bound6(), order, (*writer).sendmsg6), s); got != "return 1" {
			t.Errorf("%s: got %s", order, got)
		}
	}
}

func TestInstructionsAreEncodedInTheMachinesOrder(t *testing.T) {
	for order, want := range map[binary.ByteOrder]string{
		binary.LittleEndian: "61 62 28 00 00 00 00 00 | b4 00 00 00 00 00 00 ff | 1d 02 01 00 00 00 00 00 | 85 00 00 00 31 00 00 00 | b4 00 00 00 01 00 00 00 | 95 00 00 00 00 00 00 00",
		binary.BigEndian:    "61 26 00 28 00 00 00 00 | b4 00 00 00 ff 00 00 00 | 1d 20 00 01 00 00 00 00 | 85 00 00 00 00 00 00 31 | b4 00 00 00 00 00 00 01 | 95 00 00 00 00 00 00 00",
	} {
		a := newAssembler(order)
		a.load(r2, ctx, addrSource4)
		a.jumpEqual(r2, 0xff000000, "end")
		a.call(funcSetsockopt)
		a.label("end")
		a.finish(1)
		var lines []string
		for code := a.bytes(); len(code) > 0; code = code[8:] {
			lines = append(lines, fmt.Sprintf("% x", code[:8]))
		}
		if diff := cmp.Diff(want, strings.Join(lines, " | ")); diff != "" {
			t.Errorf("%s: %s", order, diff)
		}
	}
}
