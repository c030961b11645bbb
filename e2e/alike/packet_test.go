package alike

import (
	"encoding/binary"
	"net/netip"
)

// hops is the TTL of every probe; by it they are told from what kernels send by themselves.
const hops = 77

// packet writes the probe as an IP packet that bears a number, which survives the router: the identification of IPv4,
// the flow label of IPv6.
func (p probe) packet(number uint16) []byte {
	return p.ip(number, p.proto, p.transport())
}

// fault is an ICMP error of a machine on the way about the probe; it travels like a reply.
func (p probe) fault(number uint16) []byte {
	about := p.packet(1)
	back := p
	back.src, back.dst = netip.MustParseAddr("203.0.113.201"), p.src
	back.options = false
	if p.src.Is6() {
		back.src = netip.MustParseAddr("2001:db8:99::201")
		body := append([]byte{1, 4, 0, 0, 0, 0, 0, 0}, about...) // port unreachable
		return back.ip(number, protoICMPv6, seal(body, 2, back.pseudo(protoICMPv6, len(body))))
	}
	body := append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, about...)
	return back.ip(number, protoICMP, seal(body, 2, 0))
}

// ip puts the header before what the packet carries.
func (p probe) ip(number uint16, proto uint8, body []byte) []byte {
	if p.src.Is6() {
		return p.ip6(number, proto, body)
	}
	size := 20
	if p.options {
		size += 4
	}
	h := make([]byte, size, size+len(body))
	h[0], h[1] = 0x40|byte(size/4), trafficClass(p.preset)
	binary.BigEndian.PutUint16(h[2:], uint16(size+len(body)))
	binary.BigEndian.PutUint16(h[4:], number)
	h[8], h[9] = hops, proto
	copy(h[12:], p.src.AsSlice())
	copy(h[16:], p.dst.AsSlice())
	if p.options {
		copy(h[20:], []byte{1, 1, 1, 0}) // three times nothing, end
	}
	return append(seal(h, 10, 0), body...)
}

func (p probe) ip6(number uint16, proto uint8, body []byte) []byte {
	if p.options {
		body = append([]byte{proto, 0, 1, 4, 0, 0, 0, 0}, body...) // destination options: padding
		proto = 60
	}
	h := make([]byte, 40, 40+len(body))
	binary.BigEndian.PutUint32(h, 6<<28|uint32(trafficClass(p.preset))<<20|uint32(number))
	binary.BigEndian.PutUint16(h[4:], uint16(len(body)))
	h[6], h[7] = p.familyProto(proto), hops
	copy(h[8:], p.src.AsSlice())
	copy(h[24:], p.dst.AsSlice())
	if p.options {
		body[0] = p.familyProto(body[0])
	}
	return append(h, body...)
}

// familyProto turns ICMP into the family's.
func (p probe) familyProto(proto uint8) uint8 {
	if proto == protoICMP && p.src.Is6() {
		return protoICMPv6
	}
	return proto
}

// transport writes what the packet carries.
func (p probe) transport() []byte {
	switch p.proto {
	case protoTCP:
		body := make([]byte, 20)
		p.ports(body)
		binary.BigEndian.PutUint32(body[4:], 1000)
		if p.tcpFlags == syn|ack {
			binary.BigEndian.PutUint32(body[8:], 1001)
		}
		body[12], body[13] = 5<<4, p.tcpFlags
		binary.BigEndian.PutUint16(body[14:], 65000)
		return seal(body, 16, p.pseudo(protoTCP, len(body)))
	case protoUDP:
		body := make([]byte, 12)
		p.ports(body)
		binary.BigEndian.PutUint16(body[4:], uint16(len(body)))
		return seal(body, 6, p.pseudo(protoUDP, len(body)))
	case protoICMP:
		return p.icmp()
	case protoGRE:
		return []byte{0, 0, 0x08, 0, 0, 0, 0, 0}
	}
	return make([]byte, 24)
}

func (p probe) ports(body []byte) {
	binary.BigEndian.PutUint16(body[0:], p.sport)
	binary.BigEndian.PutUint16(body[2:], p.dport)
}

func (p probe) icmp() []byte {
	body := make([]byte, 24)
	body[0] = byte(p.icmpType)
	binary.BigEndian.PutUint16(body[4:], p.ident)
	if p.src.Is4() {
		if p.icmpType < 0 {
			body[0] = 8
		}
		return seal(body, 2, 0)
	}
	if p.icmpType < 0 {
		body[0] = 128
	}
	return seal(body, 2, p.pseudo(protoICMPv6, len(body)))
}

// pseudo is the part of a checksum that stems from the IP header.
func (p probe) pseudo(proto uint8, size int) uint32 {
	return sum(p.src.AsSlice()) + sum(p.dst.AsSlice()) + uint32(proto) + uint32(size)
}

func sum(data []byte) uint32 {
	total := uint32(0)
	for i, b := range data {
		total += uint32(b) << (8 * (1 - i%2))
	}
	return total
}

// seal writes the checksum over the data.
func seal(data []byte, at int, start uint32) []byte {
	total := start + sum(data)
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	binary.BigEndian.PutUint16(data[at:], ^uint16(total))
	return data
}

// numberOf reads the number of the packet that begins here.
func numberOf(packet []byte) (uint16, bool) {
	switch {
	case len(packet) >= 20 && packet[0]>>4 == 4:
		return binary.BigEndian.Uint16(packet[4:]), true
	case len(packet) >= 40 && packet[0]>>4 == 6:
		return binary.BigEndian.Uint16(packet[2:]), true
	}
	return 0, false
}

// refused reads an ICMP error: the number of the packet that it is about, and what is wrong with it.
func refused(packet []byte) (number uint16, kind [2]byte, ok bool) {
	size := 40
	if len(packet) > 0 && packet[0]>>4 == 4 {
		size = int(packet[0]&15) * 4
	}
	if len(packet) < size+8 {
		return 0, kind, false
	}
	copy(kind[:], packet[size:])
	number, ok = numberOf(packet[size+8:])
	return number, kind, ok
}
