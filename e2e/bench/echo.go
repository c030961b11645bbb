package main

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// family is an index: everything is measured for both.
type family int

const (
	v4 family = iota
	v6
	families // how many there are
)

func (f family) String() string { return [families]string{"IPv4", "IPv6"}[f] }

// echo is an ICMP echo request, or the reply to it, which differs from it in nothing else.
type echo struct {
	target       netip.Addr
	id, sequence uint16
	reply        bool
}

// The ICMP types (RFC 792, RFC 4443).
const (
	echoReply4, echoRequest4 = 0, 8
	echoRequest6, echoReply6 = 128, 129
)

// parseEcho reads a packet from its IP header on. Extension headers and fragments are none of our probes.
func parseEcho(packet []byte) (family, echo, bool) {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4 && packet[9] == unix.IPPROTO_ICMP:
		header := int(packet[0]&0xf) * 4
		from, to := netip.AddrFrom4([4]byte(packet[12:])), netip.AddrFrom4([4]byte(packet[16:]))
		if header < 20 || len(packet) < header {
			return 0, echo{}, false
		}
		e, ok := newEcho(packet[header:], from, to)
		return v4, e, ok && packet[header] <= echoRequest4
	case len(packet) >= 40 && packet[0]>>4 == 6 && packet[6] == unix.IPPROTO_ICMPV6:
		from, to := netip.AddrFrom16([16]byte(packet[8:])), netip.AddrFrom16([16]byte(packet[24:]))
		e, ok := newEcho(packet[40:], from, to)
		return v6, e, ok && packet[40] >= echoRequest6
	}
	return 0, echo{}, false
}

// newEcho reads an ICMP message that went from one address to another.
func newEcho(message []byte, from, to netip.Addr) (echo, bool) {
	if len(message) < 8 {
		return echo{}, false
	}
	e := echo{id: binary.BigEndian.Uint16(message[4:]), sequence: binary.BigEndian.Uint16(message[6:])}
	switch message[0] {
	case echoRequest4, echoRequest6:
		e.target = to
	case echoReply4, echoReply6:
		e.target, e.reply = from, true
	default:
		return echo{}, false
	}
	return e, true
}
