package iproute

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

var errMalformed = errors.New("malformed netlink message")

// attrTypeMask takes the flags for nesting and byte order off an attribute's type (NLA_TYPE_MASK of linux/netlink.h).
const attrTypeMask = 0x3fff

// align4 rounds up to the alignment of messages, attributes and next hops.
func align4(n int) int { return (n + 3) &^ 3 }

// message is one netlink message; body is valid until the buffer it came in is reused.
type message struct {
	typ, flags uint16
	seq        uint32
	body       []byte
}

// nextMessage splits the first message off a datagram.
func nextMessage(b []byte) (message, []byte, error) {
	if len(b) < unix.SizeofNlMsghdr {
		return message{}, nil, errMalformed
	}
	size := binary.NativeEndian.Uint32(b)
	if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(b)) {
		return message{}, nil, errMalformed
	}
	m := message{
		typ:   binary.NativeEndian.Uint16(b[4:]),
		flags: binary.NativeEndian.Uint16(b[6:]),
		seq:   binary.NativeEndian.Uint32(b[8:]),
		body:  b[unix.SizeofNlMsghdr:size],
	}
	return m, b[min(align4(int(size)), len(b)):], nil
}

// attributes walks over the attributes of a message: for a.next() { a.typ, a.value }, then a.err.
type attributes struct {
	rest  []byte
	typ   uint16
	value []byte
	err   error
}

func (a *attributes) next() bool {
	if len(a.rest) == 0 || a.err != nil {
		return false
	}
	if len(a.rest) < unix.SizeofRtAttr {
		a.err = errMalformed
		return false
	}
	size := int(binary.NativeEndian.Uint16(a.rest))
	if size < unix.SizeofRtAttr || size > len(a.rest) {
		a.err = errMalformed
		return false
	}
	a.typ = binary.NativeEndian.Uint16(a.rest[2:]) & attrTypeMask
	a.value = a.rest[unix.SizeofRtAttr:size]
	a.rest = a.rest[min(align4(size), len(a.rest)):]
	return true
}

// number reads a number of 1, 2 or 4 bytes in host order.
func (a *attributes) number() uint32 {
	switch len(a.value) {
	case 1:
		return uint32(a.value[0])
	case 2:
		return uint32(binary.NativeEndian.Uint16(a.value))
	case 4:
		return binary.NativeEndian.Uint32(a.value)
	}
	a.err = errMalformed
	return 0
}

// addr reads an address of the family.
func (a *attributes) addr(f network.Family) netip.Addr {
	addr, ok := netip.AddrFromSlice(a.value)
	if !ok || addr.BitLen() != f.Bits() {
		a.err = errMalformed
	}
	return addr
}

// via reads a struct rtvia: an address behind its family.
func (a *attributes) via() netip.Addr {
	if len(a.value) < 2 {
		a.err = errMalformed
		return netip.Addr{}
	}
	f, ok := familyOf(byte(binary.NativeEndian.Uint16(a.value)))
	addr, fits := netip.AddrFromSlice(a.value[2:])
	if !ok || !fits || addr.BitLen() != f.Bits() {
		a.err = errMalformed
	}
	return addr
}

// text reads a string that may end with zeros.
func (a *attributes) text() string {
	for i, c := range a.value {
		if c == 0 {
			return string(a.value[:i])
		}
	}
	return string(a.value)
}

// appendHeader starts a message; finish completes it.
func appendHeader(b []byte, typ, flags uint16) []byte {
	b = append(b, 0, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags|unix.NLM_F_REQUEST)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

// finish writes the length and the sequence number of the message that starts at start.
func finish(b []byte, start int, seq uint32) {
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	binary.NativeEndian.PutUint32(b[start+8:], seq)
}

// setFlags adds flags to the message that starts at start.
func setFlags(b []byte, start int, flags uint16) {
	old := binary.NativeEndian.Uint16(b[start+6:])
	binary.NativeEndian.PutUint16(b[start+6:], old|flags)
}

// appendAttr appends an attribute, padded.
func appendAttr(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func appendNumber(b []byte, typ uint16, value uint32) []byte {
	b = binary.NativeEndian.AppendUint16(b, unix.SizeofRtAttr+4)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return binary.NativeEndian.AppendUint32(b, value)
}

func appendAddr(b []byte, typ uint16, addr netip.Addr) []byte {
	if addr.Is4() {
		a := addr.As4()
		return appendAttr(b, typ, a[:])
	}
	a := addr.As16()
	return appendAttr(b, typ, a[:])
}
