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

// entry is what a dump says of one connection, as far as an update needs it. tuple and zone are whole attributes, as
// the kernel wrote them.
type entry struct {
	family byte   // AF_INET or AF_INET6
	tuple  []byte // CTA_TUPLE_ORIG: which connection it is
	zone   []byte // CTA_ZONE; empty = none
	mark   uint32 // the kernel leaves out a mark of 0
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
		switch typ {
		case nl.CTA_TUPLE_ORIG:
			e.tuple = attr
		case nl.CTA_ZONE:
			e.zone = attr
		case nl.CTA_MARK:
			if len(attr) != unix.SizeofNlAttr+4 {
				return entry{}, errMalformed
			}
			e.mark = binary.BigEndian.Uint32(attr[unix.SizeofNlAttr:])
		}
	}
	if e.tuple == nil {
		return entry{}, errMalformed
	}
	return e, nil
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

// newMark is what an update asks for.
type newMark struct {
	mask, mark uint32
	seq        uint32
	ack        bool // success is to be answered, too
}

// appendUpdate appends the request that gives the connection another mark: the kernel makes it (old &^ mask) ^ mark
// (ctnetlink_change_mark of net/netfilter/nf_conntrack_netlink.c). Without NLM_F_CREATE one that has vanished is
// not made anew (ENOENT); with NLM_F_EXCL one that exists would be refused.
func (e entry) appendUpdate(b []byte, n newMark) []byte {
	start := len(b)
	flags := uint16(unix.NLM_F_REQUEST)
	if n.ack {
		flags |= unix.NLM_F_ACK
	}
	b = append(b, 0, 0, 0, 0) // the size
	b = binary.NativeEndian.AppendUint16(b, uint16(messageType(nl.IPCTNL_MSG_CT_NEW)))
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, n.seq)
	b = append(b, 0, 0, 0, 0) // the sender: the kernel knows
	b = append(b, e.family, nl.NFNETLINK_V0, 0, 0)
	b = appendPadded(b, e.tuple)
	b = appendPadded(b, e.zone)
	b = appendNumber(b, nl.CTA_MARK, n.mark&n.mask)
	b = appendNumber(b, attrMarkMask, n.mask)
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
	e.tuple, e.zone = slices.Clone(e.tuple), slices.Clone(e.zone)
	return e
}
