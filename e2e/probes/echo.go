// Package probes watches the echo requests of trackers on their way.
package probes

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Family is an index: everything is measured for both.
type Family int

const (
	V4 Family = iota
	V6
	Families // how many there are
)

func (f Family) String() string { return [Families]string{"IPv4", "IPv6"}[f] }

// Echo is an ICMP echo request, or the reply to it, which differs from it in nothing else.
type Echo struct {
	Target       netip.Addr
	ID, Sequence uint16
	Reply        bool
}

// The ICMP types (RFC 792, RFC 4443).
const (
	echoReply4, echoRequest4 = 0, 8
	echoRequest6, echoReply6 = 128, 129
)

// parseEcho reads a packet from its IP header on. Extension headers and fragments are none of our probes.
func parseEcho(packet []byte) (Family, Echo, bool) {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4 && packet[9] == unix.IPPROTO_ICMP:
		header := int(packet[0]&0xf) * 4
		from, to := netip.AddrFrom4([4]byte(packet[12:])), netip.AddrFrom4([4]byte(packet[16:]))
		if header < 20 || len(packet) < header {
			return 0, Echo{}, false
		}
		e, ok := newEcho(packet[header:], from, to)
		return V4, e, ok && packet[header] <= echoRequest4
	case len(packet) >= 40 && packet[0]>>4 == 6 && packet[6] == unix.IPPROTO_ICMPV6:
		from, to := netip.AddrFrom16([16]byte(packet[8:])), netip.AddrFrom16([16]byte(packet[24:]))
		e, ok := newEcho(packet[40:], from, to)
		return V6, e, ok && packet[40] >= echoRequest6
	}
	return 0, Echo{}, false
}

// newEcho reads an ICMP message that went from one address to another.
func newEcho(message []byte, from, to netip.Addr) (Echo, bool) {
	if len(message) < 8 {
		return Echo{}, false
	}
	e := Echo{ID: binary.BigEndian.Uint16(message[4:]), Sequence: binary.BigEndian.Uint16(message[6:])}
	switch message[0] {
	case echoRequest4, echoRequest6:
		e.Target = to
	case echoReply4, echoReply6:
		e.Target, e.Reply = from, true
	default:
		return Echo{}, false
	}
	return e, true
}
