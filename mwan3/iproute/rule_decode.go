package iproute

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"mwan3/network"
)

// none is what suppress_prefixlength and suppress_ifgroup are when they are not set.
const none = 0xffffffff

// ruleDecoder collects what a rule message says, the foreign parts in ip's words.
type ruleDecoder struct {
	rule      network.Rule
	invert    bool
	from, to  netip.Prefix
	tos       byte
	selectors [7]string // what ip prints behind iif, in its order; the last place is for what is unknown here
	action    string    // what ip prints instead of lookup or our actions
	suffix    string    // what ip prints behind the action
}

// decodeRule decodes a struct fib_rule_hdr and its attributes. It returns false for foreign families.
func decodeRule(body []byte) (network.Rule, bool, error) {
	if len(body) < ruleHeaderSize {
		return network.Rule{}, false, errMalformed
	}
	family, ok := familyOf(body[0])
	if !ok {
		return network.Rule{}, false, nil
	}
	flags := binary.NativeEndian.Uint32(body[8:])
	d := ruleDecoder{
		rule:   network.Rule{Family: family, Table: int(body[4]), Action: actionOf(body[7])},
		invert: flags&unix.FIB_RULE_INVERT != 0,
		tos:    body[3],
	}
	a := attributes{rest: body[ruleHeaderSize:]}
	for a.next() {
		switch a.typ {
		case nl.FRA_SRC:
			d.from = netip.PrefixFrom(a.addr(family), int(body[2]))
		case nl.FRA_DST:
			d.to = netip.PrefixFrom(a.addr(family), int(body[1]))
		default:
			d.attribute(&a)
		}
	}
	return d.finish(body[7]), true, a.err
}

func (d *ruleDecoder) attribute(a *attributes) {
	switch a.typ {
	case nl.FRA_PRIORITY:
		d.rule.Priority = int(a.number())
	case nl.FRA_FWMARK:
		d.rule.Mark = a.number()
	case nl.FRA_FWMASK:
		d.rule.Mask = a.number()
	case nl.FRA_IIFNAME:
		d.rule.InDevice = a.text()
	case nl.FRA_TABLE:
		d.rule.Table = int(a.number())
	case nl.FRA_PROTOCOL, nl.FRA_PAD:
		// Who made the rule is no difference.
	case nl.FRA_GOTO:
		d.action = fmt.Sprintf(" goto %d", a.number())
	case nl.FRA_L3MDEV:
		if a.number() != 0 {
			d.action = " lookup [l3mdev-table]"
		}
	case nl.FRA_SUPPRESS_PREFIXLEN:
		d.suffix += unlessNone(" suppress_prefixlength", a.number())
	case nl.FRA_SUPPRESS_IFGROUP:
		d.suffix += unlessNone(" suppress_ifgroup", a.number())
	case nl.FRA_FLOW:
		d.suffix += realms(a.number())
	default:
		d.selector(a)
	}
}

func unlessNone(word string, value uint32) string {
	if value == none {
		return ""
	}
	return fmt.Sprintf("%s %d", word, int32(value))
}

// realms prints a pair of realms: the source's in the upper half, may be 0, the destination's in the lower.
func realms(flow uint32) string {
	if flow>>16 == 0 {
		return fmt.Sprintf(" realms %d", flow)
	}
	return fmt.Sprintf(" realms %d/%d", flow>>16, flow&0xffff)
}

// Attributes of newer kernels than the netlink library knows (linux/fib_rules.h).
const (
	fraSportMask = 28
	fraDportMask = 29
)

// selector takes one of the further things that a rule can match. What is unknown here is kept raw, so that the rule
// counts as foreign.
func (d *ruleDecoder) selector(a *attributes) {
	switch {
	case a.typ == nl.FRA_OIFNAME:
		d.selectors[0] = " oif " + a.text()
	case a.typ == nl.FRA_UID_RANGE && len(a.value) == 8:
		first, last := binary.NativeEndian.Uint32(a.value), binary.NativeEndian.Uint32(a.value[4:])
		d.selectors[1] = fmt.Sprintf(" uidrange %d-%d", first, last)
	case a.typ == nl.FRA_IP_PROTO && len(a.value) == 1:
		d.selectors[2] = " ipproto " + protocolName(a.value[0])
	case a.typ == nl.FRA_SPORT_RANGE && len(a.value) == 4:
		d.selectors[3] = " sport " + ports(a.value)
	case a.typ == nl.FRA_DPORT_RANGE && len(a.value) == 4:
		d.selectors[4] = " dport " + ports(a.value)
	case a.typ == nl.FRA_TUN_ID && len(a.value) == 8:
		d.selectors[5] = fmt.Sprintf(" tun_id %d", binary.BigEndian.Uint64(a.value))
	case (a.typ == fraSportMask || a.typ == fraDportMask) && string(a.value) == "\xff\xff":
		// All bits of a port count, as they always did.
	default:
		d.selectors[6] += fmt.Sprintf(" attr %d %x", a.typ, a.value)
	}
}

func protocolName(proto byte) string {
	names := map[byte]string{1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}
	if name, ok := names[proto]; ok {
		return name
	}
	return fmt.Sprint(proto)
}

func ports(b []byte) string {
	first, last := binary.NativeEndian.Uint16(b), binary.NativeEndian.Uint16(b[2:])
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}

// finish returns the rule. A foreign one gets all of ip's words, so that two that differ never compare equal.
func (d *ruleDecoder) finish(action byte) network.Rule {
	r := d.rule
	if d.action != "" {
		r.Action = network.OtherAction
	}
	if r.Action != network.Lookup {
		r.Table = 0
	}
	if d.isForeign(r) {
		r.Other = d.words(r, action)
	}
	return r
}

func (d *ruleDecoder) isForeign(r network.Rule) bool {
	return d.invert || d.from.IsValid() || d.to.IsValid() || d.tos != 0 ||
		d.selectors != [7]string{} || d.suffix != "" || r.Action == network.OtherAction
}

func (d *ruleDecoder) words(r network.Rule, action byte) string {
	s := "from " + prefixName(d.from)
	if d.invert {
		s = "not " + s
	}
	if d.to.IsValid() {
		s += " to " + prefixName(d.to)
	}
	if d.tos != 0 {
		s += fmt.Sprintf(" tos 0x%02x", d.tos)
	}
	s += network.MarkString(r.Mark, r.Mask)
	if r.InDevice != "" {
		s += " iif " + r.InDevice
	}
	return s + strings.Join(d.selectors[:], "") + d.actionWords(r, action) + d.suffix
}

func (d *ruleDecoder) actionWords(r network.Rule, action byte) string {
	switch {
	case d.action != "":
		return d.action
	case r.Action == network.Lookup:
		return " lookup " + network.TableName(r.Table)
	case r.Action != network.OtherAction:
		return " " + r.Action.String()
	case action == nl.FR_ACT_NOP:
		return " nop"
	}
	return fmt.Sprintf(" action %d", action)
}

func prefixName(p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return "all"
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}
