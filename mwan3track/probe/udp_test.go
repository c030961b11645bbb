package probe

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestAClosedPortAnswersADatagramAsAnOpenOneDoes(t *testing.T) {
	s := newStreet(t)
	for _, family := range families {
		probe := func(count int) Result {
			return NewUDP(family.path, UDPOptions{Count: count, Port: 40125, Timeout: long}).Probe(context.Background(), family.target)
		}
		if result := probe(2); !result.OK || result.Latency <= 0 || result.Loss != 0 || result.Err != nil {
			t.Errorf("%s, closed: %+v", family.path.Family, result)
		}
		var sizes atomic.Int64
		s.serve(family.target.Addr, 40125, func(conn *net.UDPConn, from netip.AddrPort, packet []byte) {
			sizes.Add(int64(len(packet)))
			for range 2 {
				_, _ = conn.WriteToUDPAddrPort([]byte("hello"), from)
			}
		})
		if result := probe(1); !result.OK || result.Latency <= 0 || result.Loss != 0 || sizes.Load() != 0 {
			t.Errorf("%s, open: %+v", family.path.Family, result)
		}
	}
}

func TestAllDatagramsMustBeAnswered(t *testing.T) {
	s := newStreet(t)
	first := true
	s.serve(target4, 40125, func(conn *net.UDPConn, from netip.AddrPort, _ []byte) {
		if first {
			first = false
			_, _ = conn.WriteToUDPAddrPort(nil, from)
			_, _ = conn.WriteToUDPAddrPort(nil, from)
		}
	})
	var ignored []Ignored
	u := NewUDP(families[0].path, UDPOptions{Count: 2, Port: 40125, Timeout: short})
	u.Ignored = func(reason Ignored) { ignored = append(ignored, reason) }
	result := u.Probe(context.Background(), families[0].target)
	if want := []Ignored{Duplicate}; result.OK || result.Loss != 50 || !reflect.DeepEqual(ignored, want) {
		t.Errorf("%+v, ignored %q", result, ignored)
	}
}

// unreachable sends the ICMP error "port unreachable" for an empty datagram.
func unreachable(conn *net.IPConn, from, to netip.AddrPort) {
	udp := binary.BigEndian.AppendUint16(nil, from.Port())
	udp = binary.BigEndian.AppendUint16(udp, to.Port())
	udp = append(udp, 0, 8, 0, 0)
	var packet []byte
	if from.Addr().Is4() {
		header := header4(from.Addr(), 17, len(udp))
		copy(header[16:], to.Addr().AsSlice())
		packet = slices.Concat([]byte{3, 3, 0, 0, 0, 0, 0, 0}, header, udp)
		binary.BigEndian.PutUint16(packet[2:], checksum(packet))
	} else {
		header := slices.Concat([]byte{0x60, 0, 0, 0, 0, 8, 17, 64}, from.Addr().AsSlice(), to.Addr().AsSlice())
		packet = slices.Concat([]byte{1, 4, 0, 0, 0, 0, 0, 0}, header, udp) // the kernel computes the checksum
	}
	_, _ = conn.WriteTo(packet, &net.IPAddr{IP: from.Addr().AsSlice()})
}

func TestDatagramsAndErrorsOfOthersDoNotCount(t *testing.T) {
	s := newStreet(t)
	for i, family := range families {
		other := []netip.Addr{other4, other6}[i]
		stranger := s.udp(other, 40125)
		errs := map[netip.Addr]*net.IPConn{}
		for _, addr := range []netip.Addr{other, family.target.Addr} {
			s.beyond(func() {
				conn, err := net.ListenIP([]string{"ip4:icmp", "ip6:ipv6-icmp"}[i], &net.IPAddr{IP: addr.AsSlice()})
				must(t, err)
				t.Cleanup(func() { conn.Close() })
				errs[addr] = conn
			})
		}
		var by atomic.Pointer[net.IPConn]
		s.serve(family.target.Addr, 40125, func(_ *net.UDPConn, from netip.AddrPort, _ []byte) {
			_, _ = stranger.WriteToUDPAddrPort([]byte("hello"), from)
			unreachable(by.Load(), from, netip.AddrPortFrom(family.target.Addr, 40125))
		})
		probe := func(options UDPOptions) (Result, []Ignored) {
			var ignored []Ignored
			u := NewUDP(family.path, options)
			u.Ignored = func(reason Ignored) { ignored = append(ignored, reason) }
			return u.Probe(context.Background(), family.target), ignored
		}
		by.Store(errs[other])
		result, ignored := probe(UDPOptions{Count: 1, Port: 40125, Timeout: short})
		if result != (Result{Loss: 100}) || !reflect.DeepEqual(ignored, []Ignored{OtherSource}) {
			t.Errorf("%s: %+v, ignored %q", family.path.Family, result, ignored)
		}
		by.Store(errs[family.target.Addr])
		if result, _ := probe(UDPOptions{Count: 1, Port: 40125, Timeout: long}); !result.OK {
			t.Errorf("%s, the target's own error: %+v", family.path.Family, result)
		}
	}
}

// icmpError makes a struct sock_extended_err with the address of who sent it.
func icmpError(errno uint32, origin byte, offender netip.Addr) []byte {
	data := binary.NativeEndian.AppendUint32(nil, errno)
	data = append(data, origin, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if offender.Is4() {
		data = binary.NativeEndian.AppendUint16(data, syscall.AF_INET)
		return append(append(append(data, 0, 0), offender.AsSlice()...), make([]byte, 8)...)
	}
	data = binary.NativeEndian.AppendUint16(data, syscall.AF_INET6)
	return append(append(append(data, 0, 0, 0, 0, 0, 0), offender.AsSlice()...), 0, 0, 0, 0)
}

func TestTheSenderOfAnErrorIsKnown(t *testing.T) {
	const refused = uint32(syscall.ECONNREFUSED)
	for _, test := range []struct {
		name string
		data []byte
		want netip.Addr
		ok   bool
	}{
		{"over IPv4", icmpError(refused, 2, other4), other4, true},
		{"over IPv6", icmpError(refused, 3, other6), other6, true},
		{"of the kernel", icmpError(refused, 1, other4), netip.Addr{}, false},
		{"another error", icmpError(uint32(syscall.EHOSTUNREACH), 2, other4), netip.Addr{}, false},
		{"without address", icmpError(refused, 2, other4)[:16], netip.Addr{}, true},
		{"half an address", icmpError(refused, 3, other6)[:30], netip.Addr{}, true},
		{"nothing", nil, netip.Addr{}, false},
	} {
		if got, ok := parseOffender(test.data); got != test.want || ok != test.ok {
			t.Errorf("%s: %s, %t", test.name, got, ok)
		}
	}
}

func FuzzNoErrorBreaksTheParser(f *testing.F) {
	f.Add(icmpError(uint32(syscall.ECONNREFUSED), 2, other4))
	f.Add(icmpError(uint32(syscall.ECONNREFUSED), 3, other6))
	f.Fuzz(func(t *testing.T, data []byte) {
		if offender, ok := parseOffender(data); offender.IsValid() && !ok {
			t.Errorf("% x", data)
		}
	})
}

func TestARefusalThatIsFoundWhenSendingBelongsToTheRequestBefore(t *testing.T) {
	newStreet(t)
	b, err := openUDP(context.Background(), families[0].path, target4, 40125)
	must(t, err)
	defer b.close()
	e := newExchange(b, terms{count: 2, need: 2, timeout: long})
	e.refusedBy = target4
	e.request = func(uint16) error { return b.write(target4, nil) }
	must(t, e.send(e.flight.next(time.Now())))
	for end := time.Now().Add(long); e.flight.answers == 0 && time.Now().Before(end); {
		must(t, e.send(e.flight.next(time.Now())))
	}
	if e.flight.answers == 0 || e.flight.answered[len(e.flight.answered)-1] {
		t.Errorf("answered: %t", e.flight.answered)
	}
}
