package conntrack

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// attrMarkMask is CTA_MARK_MASK of linux/netfilter/nfnetlink_conntrack.h: the bits that CTA_MARK replaces.
const attrMarkMask = 21

// attrTypeMask takes the flags for nesting and byte order off an attribute's type (NLA_TYPE_MASK of linux/netlink.h).
const attrTypeMask = 0x3fff

var errMalformed = errors.New("malformed netlink message")

// entry is what a dump says of one connection, as far as requests need it. The slices are whole attributes, as the
// kernel wrote them; empty = none.
type entry struct {
	family byte   // AF_INET or AF_INET6
	tuple  []byte // CTA_TUPLE_ORIG: which connection it is
	reply  []byte // CTA_TUPLE_REPLY: what its answers look like
	zone   []byte // CTA_ZONE
	id     []byte // CTA_ID: tells it from most others that have had its tuple
	mark   uint32 // the kernel leaves out a mark of 0
	status uint32 // IPS_* bits of linux/netfilter/nf_conntrack_common.h
}

// decode reads a message of a dump, from the struct nfgenmsg on.
func decode(body []byte) (entry, error) {
	if len(body) < nl.SizeofNfgenmsg {
		return entry{}, errMalformed
	}
	e := entry{family: body[0]}
	for rest := body[nl.SizeofNfgenmsg:]; len(rest) > 0; {
		typ, attr, err := firstAttr(rest)
		if err != nil {
			return entry{}, err
		}
		rest = rest[min(align4(len(attr)), len(rest)):]
		if err := e.take(typ, attr); err != nil {
			return entry{}, err
		}
	}
	if e.tuple == nil {
		return entry{}, errMalformed
	}
	return e, nil
}

// take keeps an attribute that requests need.
func (e *entry) take(typ uint16, attr []byte) (err error) {
	switch typ {
	case nl.CTA_TUPLE_ORIG:
		e.tuple = attr
	case nl.CTA_TUPLE_REPLY:
		e.reply = attr
	case nl.CTA_ZONE:
		e.zone = attr
	case nl.CTA_ID:
		e.id = attr
	case nl.CTA_MARK:
		e.mark, err = number(attr)
	case nl.CTA_STATUS:
		e.status, err = number(attr)
	}
	return err
}

// number is the value of an attribute of four bytes.
func number(attr []byte) (uint32, error) {
	if len(attr) != unix.SizeofNlAttr+4 {
		return 0, errMalformed
	}
	return binary.BigEndian.Uint32(attr[unix.SizeofNlAttr:]), nil
}

// firstAttr returns the first attribute, header included and padding excluded.
func firstAttr(b []byte) (typ uint16, attr []byte, err error) {
	if len(b) < unix.SizeofNlAttr {
		return 0, nil, errMalformed
	}
	size := int(binary.NativeEndian.Uint16(b))
	if size < unix.SizeofNlAttr || size > len(b) {
		return 0, nil, errMalformed
	}
	return binary.NativeEndian.Uint16(b[2:]) & attrTypeMask, b[:size], nil
}

// align4 rounds up to the alignment of attributes.
func align4(n int) int { return (n + 3) &^ 3 }

// order is what is to become of connections.
type order struct {
	command    int
	attributes func(b []byte, e entry) []byte // appends what the request says beside which connection it is about
}

// remark is the order to give connections other marks: the kernel makes it (old &^ mask) ^ mark (ctnetlink_change_mark of
// net/netfilter/nf_conntrack_netlink.c). Without NLM_F_CREATE a connection that has vanished is not made anew (ENOENT);
// with NLM_F_EXCL one that exists would be refused.
func remark(mask uint32, change map[uint32]uint32) order {
	return order{nl.IPCTNL_MSG_CT_NEW, func(b []byte, e entry) []byte {
		b = appendNumber(b, nl.CTA_MARK, change[e.mark&mask]&mask)
		return appendNumber(b, attrMarkMask, mask)
	}}
}

// forget is the order to delete connections. One that has vanished is not taken for a later one of the same tuple, unless
// the kernel has put that into the same memory.
func forget() order {
	return order{nl.IPCTNL_MSG_CT_DELETE, func(b []byte, e entry) []byte { return appendPadded(b, e.id) }}
}

// appendRequest appends the request that carries out an order on one connection. With ack, success is to be answered, too.
func (o order) appendRequest(b []byte, e entry, seq uint32, ack bool) []byte {
	start := len(b)
	flags := uint16(unix.NLM_F_REQUEST)
	if ack {
		flags |= unix.NLM_F_ACK
	}
	b = append(b, 0, 0, 0, 0) // the size
	b = binary.NativeEndian.AppendUint16(b, uint16(messageType(o.command)))
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 0) // the sender: the kernel knows
	b = append(b, e.family, nl.NFNETLINK_V0, 0, 0)
	b = appendPadded(b, e.tuple)
	b = appendPadded(b, e.zone)
	b = o.attributes(b, e)
	binary.NativeEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

func appendPadded(b, attr []byte) []byte {
	b = append(b, attr...)
	return append(b, make([]byte, align4(len(attr))-len(attr))...)
}

// appendNumber appends an attribute in network byte order.
func appendNumber(b []byte, typ uint16, value uint32) []byte {
	b = binary.NativeEndian.AppendUint16(b, unix.SizeofNlAttr+4)
	b = binary.NativeEndian.AppendUint16(b, typ)
	return binary.BigEndian.AppendUint32(b, value)
}

// clone makes the entry independent of the buffer that it was read from.
func (e entry) clone() entry {
	e.tuple, e.reply = slices.Clone(e.tuple), slices.Clone(e.reply)
	e.zone, e.id = slices.Clone(e.zone), slices.Clone(e.id)
	return e
}
