package probe

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestAClosedPortIsAnAnswerForNpingOnly(t *testing.T) {
	s := newStreet(t)
	for _, family := range families {
		options := TCPOptions{Count: 2, Port: 443, Timeout: long}
		address := netip.AddrPortFrom(family.target.Addr, 443).String()
		result := NewTCP(family.path, options).Probe(context.Background(), family.target)
		if want := "reach " + address + ": connection refused"; result.OK || result.Loss != 100 || result.Err == nil || result.Err.Error() != want {
			t.Errorf("tcp, %s: %+v, want %s", family.path.Family, result, want)
		}
		ping := NewTCPPing(family.path, options)
		if result := ping.Probe(context.Background(), family.target); !result.OK || result.Latency <= 0 || result.Loss != 0 || result.Err != nil {
			t.Errorf("nping-tcp, closed, %s: %+v", family.path.Family, result)
		}
		s.listen(family.target.Addr, 443, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
		for name, prober := range map[string]Prober{"tcp": NewTCP(family.path, options), "nping-tcp": ping} {
			if result := prober.Probe(context.Background(), family.target); !result.OK || result.Latency <= 0 || result.Loss != 0 || result.Err != nil {
				t.Errorf("%s, %s: %+v", name, family.path.Family, result)
			}
		}
	}
}

func TestOneConnectionIsEnoughForTCPAndNpingNeedsAll(t *testing.T) {
	s := newStreet(t)
	var stop func()
	listen := func() { stop = s.listen(target4, 443, func(net.Conn) { stop() }) }
	options := TCPOptions{Count: 2, Port: 443, Timeout: long}
	listen()
	if result := NewTCP(families[0].path, options).Probe(context.Background(), families[0].target); !result.OK || result.Loss != 50 || result.Err != nil {
		t.Errorf("%+v", result)
	}
	mute := NewTCPPing(families[0].path, TCPOptions{Count: 100, Port: 443, Timeout: short})
	if result := mute.Probe(context.Background(), muteTarget(0)); result != (Result{Loss: 100}) { // after the first
		t.Errorf("%+v", result)
	}
}

func isSYN(packet []byte) bool {
	return len(packet) >= 40 && packet[0]>>4 == 4 && packet[9] == 6 && packet[33] == 2
}

// refusal answers a SYN over IPv4 with the ICMP error "port unreachable".
func refusal(by netip.Addr) func(syn []byte) [][]byte {
	return func(syn []byte) [][]byte {
		message := slices.Concat([]byte{3, 3, 0, 0, 0, 0, 0, 0}, syn)
		fixChecksum(message, 0)
		packet := append(header4(by, 1, len(message)), message...)
		copy(packet[16:], syn[12:16])
		binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
		return [][]byte{packet}
	}
}

// reset answers a SYN over IPv4 with a reset.
func reset(by netip.Addr, acknowledge uint32) func(syn []byte) [][]byte {
	return func(syn []byte) [][]byte {
		message := slices.Concat(syn[22:24], syn[20:22], make([]byte, 16))
		binary.BigEndian.PutUint32(message[8:], binary.BigEndian.Uint32(syn[24:])+acknowledge)
		message[12], message[13] = 5<<4, 0x14 // RST, ACK
		pseudo := slices.Concat(by.AsSlice(), syn[12:16], []byte{0, 6, 0, 20}, message)
		binary.BigEndian.PutUint16(message[16:], checksum(pseudo))
		packet := append(header4(by, 6, len(message)), message...)
		copy(packet[16:], syn[12:16])
		binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
		return [][]byte{packet}
	}
}

func TestOnlyTheTargetsRefusalCounts(t *testing.T) {
	l := newLab(t)
	l.hears = isSYN
	gateway := netip.MustParseAddr("192.0.2.254")
	for _, test := range []struct {
		name   string
		answer func([]byte) [][]byte
		ok     bool
		err    string
	}{
		{"the target's reset", reset(target4, 1), true, ""},
		{"the target's ICMP error", refusal(target4), true, ""},
		{"a reset from somebody else", reset(gateway, 1), false, ""},
		{"a reset of something else", reset(target4, 7), false, ""},
		{"a firewall's ICMP error", refusal(gateway), false, "reach 192.0.2.7:80: refused by 192.0.2.254"},
	} {
		l.behave(test.answer)
		options := TCPOptions{Count: 1, Port: 80, Timeout: short}
		if test.ok || test.err != "" {
			options.Timeout = long
		}
		result := NewTCPPing(families[0].path, options).Probe(context.Background(), families[0].target)
		text := ""
		if result.Err != nil {
			text = result.Err.Error()
		}
		if result.OK != test.ok || text != test.err {
			t.Errorf("%s: %+v, want %s", test.name, result, test.err)
		}
	}
}

func TestNpingsEchoRequestsMustAllBeAnswered(t *testing.T) {
	l := newLab(t)
	for _, family := range families {
		options := quick
		options.Count, options.All = 2, true
		l.behave(echo)
		if result := newPing(t, family.path, options).Probe(context.Background(), family.target); !result.OK || result.Loss != 0 {
			t.Errorf("%s: %+v", family.path.Family, result)
		}
		first := true
		l.behave(func(request []byte) [][]byte {
			if !first {
				return nil
			}
			first = false
			return append(echo(request), echo(request)...)
		})
		if result := newPing(t, family.path, options).Probe(context.Background(), family.target); result.OK || result.Loss != 50 {
			t.Errorf("%s: %+v", family.path.Family, result)
		}
	}
}
