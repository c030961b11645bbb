package conntrack

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// sourceNAT is IPS_SRC_NAT of linux/netfilter/nf_conntrack_common.h: the source address gets replaced.
const sourceNAT = 1 << 4

// Translated is a connection whose source address the router replaces.
type Translated struct {
	Source netip.Addr // by this one: its answers come to it
	entry  entry
}

// ListTranslated lists the connections among those selected that have a source address in place of their own and that
// a new entry can revive: not those of TCP, SCTP and DCCP, whose peers know them by the address. The error wraps
// ErrMissing where the kernel cannot list any.
func ListTranslated(m Marked) ([]Translated, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	found, err := dump(m.Family, func(e entry) bool {
		return e.family == m.Family && (e.mark^m.Mark)&m.Mask == 0 && e.status&sourceNAT != 0 && !e.isBound()
	}, m.filters()...)
	if err != nil {
		return nil, fmt.Errorf("list connections with mark %#x/%#x: %w", m.Mark, m.Mask, explain(err))
	}
	var all []Translated
	for _, e := range found {
		if source := e.replyTo(); source.IsValid() {
			all = append(all, Translated{source, e})
		}
	}
	return all, nil
}

// DeleteTranslated makes the kernel forget these connections, and returns how many of them there still were.
func DeleteTranslated(all []Translated) (int, error) {
	if len(all) == 0 {
		return 0, nil
	}
	var entries []entry
	for _, t := range all {
		entries = append(entries, t.entry)
	}
	count, err := update(forget(), entries)
	if err != nil {
		return count, fmt.Errorf("delete connections: %w", explain(err))
	}
	return count, nil
}

// isBound tells whether both ends keep state of their own that names the addresses. What cannot be read counts as such.
func (e entry) isBound() bool {
	number := nested(nested(e.tuple, nl.CTA_TUPLE_PROTO), nl.CTA_PROTO_NUM)
	if len(number) != unix.SizeofNlAttr+1 {
		return true
	}
	switch number[unix.SizeofNlAttr] {
	case unix.IPPROTO_TCP, unix.IPPROTO_SCTP, unix.IPPROTO_DCCP:
		return true
	}
	return false
}

// replyTo is the address that answers come to; invalid if that cannot be read.
func (e entry) replyTo() netip.Addr {
	typ := uint16(nl.CTA_IP_V4_DST)
	if e.family == unix.AF_INET6 {
		typ = nl.CTA_IP_V6_DST
	}
	attr := nested(nested(e.reply, nl.CTA_TUPLE_IP), typ)
	if len(attr) < unix.SizeofNlAttr {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(attr[unix.SizeofNlAttr:])
	if addr.Is4() != (e.family == unix.AF_INET) {
		return netip.Addr{}
	}
	return addr
}

// nested returns the attribute of that type inside another, nil if there is none that can be read.
func nested(attr []byte, typ uint16) []byte {
	if len(attr) < unix.SizeofNlAttr {
		return nil
	}
	for rest := attr[unix.SizeofNlAttr:]; len(rest) > 0; {
		found, inner, err := firstAttr(rest)
		if err != nil || found == typ {
			return inner
		}
		rest = rest[min(align4(len(inner)), len(rest)):]
	}
	return nil
}
