package probe

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"mwan3/network"
)

// ICMP echo messages: type, code, checksum, id, sequence, payload (RFC 792, RFC 4443).
const (
	echoHeader  = 8
	tokenLength = 8

	echoRequest4 = 8
	echoReply4   = 0
	echoRequest6 = 128
	echoReply6   = 129
)

// Ignored names the reason why a packet is not the answer that was waited for.
type Ignored string

// The reasons, those of ping in the order in which they are found.
const (
	Accepted      Ignored = ""
	TooShort      Ignored = "too short"
	OtherSource   Ignored = "not from the target"
	OtherTarget   Ignored = "not to us"
	NotEchoReply  Ignored = "not an echo reply"
	BadChecksum   Ignored = "bad checksum"
	OtherID       Ignored = "other id"
	OtherPayload  Ignored = "other payload"
	OtherSequence Ignored = "other sequence"
	Duplicate     Ignored = "duplicate"
	NotReply      Ignored = "not a reply"
	OtherQuestion Ignored = "other question"
	ServerError   Ignored = "the server answers with an error"
)

// putEcho makes the buffer an echo request. Its payload stays; it must begin with a token that nobody can guess. The
// kernel computes the checksum of ICMPv6.
func putEcho(message []byte, family network.Family, id, sequence uint16) {
	clear(message[:echoHeader])
	message[0] = echoRequest4
	if family == network.IPv6 {
		message[0] = echoRequest6
	}
	binary.BigEndian.PutUint16(message[4:], id)
	binary.BigEndian.PutUint16(message[6:], sequence)
	if family == network.IPv4 {
		binary.BigEndian.PutUint16(message[2:], checksum(message))
	}
}

// checksum is the internet checksum (RFC 1071). Over a message that holds its own it is 0.
func checksum(message []byte) uint16 {
	var sum uint32
	for ; len(message) >= 2; message = message[2:] {
		sum += uint32(message[0])<<8 | uint32(message[1])
	}
	if len(message) == 1 {
		sum += uint32(message[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// reply is what an answer must look like.
type reply struct {
	family  network.Family
	source  netip.Addr
	id      uint16
	payload []byte // what was sent
}

// parse returns the sequence number of an answer, or the reason why the packet is none. Packets are as raw sockets give them:
// with the IP header in IPv4, without it in IPv6, where the kernel has checked the source and the checksum.
func (want reply) parse(packet []byte) (uint16, Ignored) {
	message := packet
	if want.family == network.IPv4 {
		var reason Ignored
		if message, reason = want.stripIPv4(packet); reason != Accepted {
			return 0, reason
		}
	}
	if len(message) < echoHeader {
		return 0, TooShort
	}
	if !want.isReply(message) {
		return 0, NotEchoReply
	}
	if want.family == network.IPv4 && checksum(message) != 0 {
		return 0, BadChecksum
	}
	if binary.BigEndian.Uint16(message[4:]) != want.id {
		return 0, OtherID
	}
	if reason := want.comparePayload(message[echoHeader:]); reason != Accepted {
		return 0, reason
	}
	return binary.BigEndian.Uint16(message[6:]), Accepted
}

func (want reply) isReply(message []byte) bool {
	kind := byte(echoReply4)
	if want.family == network.IPv6 {
		kind = echoReply6
	}
	return message[0] == kind && message[1] == 0
}

// stripIPv4 checks the IP header and takes it off (RFC 791: length in 32-bit words, protocol in byte 9, source from byte 12).
func (want reply) stripIPv4(packet []byte) ([]byte, Ignored) {
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return nil, TooShort
	}
	header := int(packet[0]&15) * 4
	if header < 20 || header > len(packet) {
		return nil, TooShort
	}
	if netip.AddrFrom4([4]byte(packet[12:16])) != want.source {
		return nil, OtherSource
	}
	if packet[9] != 1 {
		return nil, NotEchoReply
	}
	return packet[header:], Accepted
}

// comparePayload lets a payload pass that is cut off: some public targets answer large requests with their beginning
// only. The token must be whole.
func (want reply) comparePayload(payload []byte) Ignored {
	if len(payload) < min(tokenLength, len(want.payload)) {
		return TooShort
	}
	if !bytes.HasPrefix(want.payload, payload) {
		return OtherPayload
	}
	return Accepted
}
