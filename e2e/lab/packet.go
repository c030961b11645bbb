package lab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// packet is an IP packet without options.
type packet struct {
	from, to netip.Addr
	proto    byte
	body     []byte // the ICMP, TCP or UDP message
	raw      []byte // as it came; empty in a packet to be sent
	spoilt   bool   // send it with a wrong checksum
}

// Lengths of headers, and where IP headers have the protocol and the addresses (RFC 791, RFC 8200).
const (
	header4 = 20
	header6 = 40
	headICM = 8
	headUDP = 8
	headTCP = 20

	hops = 64
)

// parsePacket reads what comes out of a TUN device.
func parsePacket(raw []byte) (packet, bool) {
	switch {
	case len(raw) > header4 && raw[0] == 0x45:
		return packet{
			from: netip.AddrFrom4([4]byte(raw[12:])), to: netip.AddrFrom4([4]byte(raw[16:])),
			proto: raw[9], body: raw[header4:], raw: raw,
		}, true
	case len(raw) > header6 && raw[0]>>4 == 6:
		return packet{
			from: netip.AddrFrom16([16]byte(raw[8:])), to: netip.AddrFrom16([16]byte(raw[24:])),
			proto: raw[6], body: raw[header6:], raw: raw,
		}, true
	}
	return packet{}, false
}

// encode makes the bytes of a packet, with its checksums. It changes those in the body.
func (p packet) encode() []byte {
	p.sign()
	if p.to.Is6() {
		raw := []byte{0x60, 0, 0, 0, 0, 0, p.proto, hops}
		binary.BigEndian.PutUint16(raw[4:], uint16(len(p.body)))
		raw = append(append(raw, p.from.AsSlice()...), p.to.AsSlice()...)
		return append(raw, p.body...)
	}
	raw := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, hops, p.proto, 0, 0}
	binary.BigEndian.PutUint16(raw[2:], uint16(header4+len(p.body)))
	raw = append(append(raw, p.from.AsSlice()...), p.to.AsSlice()...)
	binary.BigEndian.PutUint16(raw[10:], checksum(raw))
	return append(raw, p.body...)
}

// sign puts the checksum into the body, unless the body is too short for one.
func (p packet) sign() {
	at := map[byte]int{unix.IPPROTO_ICMP: 2, unix.IPPROTO_ICMPV6: 2, unix.IPPROTO_TCP: 16, unix.IPPROTO_UDP: 6}[p.proto]
	if len(p.body) < at+2 {
		return
	}
	p.body[at], p.body[at+1] = 0, 0
	var covered []byte
	if p.proto != unix.IPPROTO_ICMP {
		covered = append(append(covered, p.from.AsSlice()...), p.to.AsSlice()...)
		covered = binary.BigEndian.AppendUint32(covered, uint32(len(p.body)))
		covered = append(covered, 0, 0, 0, p.proto)
	}
	sum := checksum(append(covered, p.body...))
	if p.spoilt {
		sum ^= 0x5555
	}
	binary.BigEndian.PutUint16(p.body[at:], sum)
}

// checksum is the internet checksum (RFC 1071).
func checksum(data []byte) uint16 {
	var sum uint32
	for ; len(data) >= 2; data = data[2:] {
		sum += uint32(binary.BigEndian.Uint16(data))
	}
	if len(data) == 1 {
		sum += uint32(data[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// port is the one that a TCP segment or UDP datagram is for; 0 for other packets.
func (p packet) port() uint16 {
	if p.proto != unix.IPPROTO_TCP && p.proto != unix.IPPROTO_UDP || len(p.body) < 4 {
		return 0
	}
	return binary.BigEndian.Uint16(p.body[2:])
}

// isEcho tells whether the packet is a ping.
func (p packet) isEcho() bool {
	request := map[byte]byte{unix.IPPROTO_ICMP: 8, unix.IPPROTO_ICMPV6: 128}[p.proto]
	return request != 0 && len(p.body) >= headICM && p.body[0] == request
}

// back is a packet from the target to who sent p.
func (p packet) back(body []byte) packet {
	return packet{from: p.to, to: p.from, proto: p.proto, body: body}
}

// pong answers a ping (RFC 792, RFC 4443: type 0 or 129).
func (p packet) pong() packet {
	body := append([]byte(nil), p.body...)
	body[0] = map[byte]byte{unix.IPPROTO_ICMP: 0, unix.IPPROTO_ICMPV6: 129}[p.proto]
	return p.back(body)
}

// datagram answers a UDP datagram with another one.
func (p packet) datagram(payload []byte) packet {
	body := append([]byte{p.body[2], p.body[3], p.body[0], p.body[1], 0, 0, 0, 0}, payload...)
	binary.BigEndian.PutUint16(body[4:], uint16(len(body)))
	return p.back(body)
}

// reset refuses a TCP segment (RFC 9293: flags RST and ACK, what follows the segment is acknowledged).
func (p packet) reset() packet {
	body := append([]byte{p.body[2], p.body[3], p.body[0], p.body[1]}, make([]byte, headTCP-4)...)
	binary.BigEndian.PutUint32(body[8:], binary.BigEndian.Uint32(p.body[4:])+1)
	body[12], body[13] = headTCP/4<<4, 0x14
	return p.back(body)
}

// ICMP errors of both families: type and code.
type icmpError struct{ v4, v6 [2]byte }

// sent is the error about a packet, as somebody sends it.
func (e icmpError) sent(about packet, from netip.Addr) packet {
	p, kind := packet{from: from, to: about.from, proto: unix.IPPROTO_ICMP}, e.v4
	if about.to.Is6() {
		p.proto, kind = unix.IPPROTO_ICMPV6, e.v6
	}
	p.body = append([]byte{kind[0], kind[1], 0, 0, 0, 0, 0, 0}, about.raw...)
	return p
}
