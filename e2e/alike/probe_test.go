package alike

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// probe is one packet of the table: the first of a connection.
type probe struct {
	entry        string // lan, router or the device of an uplink
	device       string // that it needs: where it enters, or to which it is bound
	preset       string // the mark that it has already: #1 its own, %1 its connection's
	proto        uint8
	icmpType     int   // -1 = the family's echo request
	tcpFlags     uint8 // of a TCP segment
	options      bool  // whether IP options stand before the rest
	src, dst     netip.Addr
	sport, dport uint16
	anyPort      bool   // whether the source port means nothing
	ident        uint16 // of an ICMP echo
}

const (
	fin, syn, ack = 0x01, 0x02, 0x10

	protoICMP, protoTCP, protoUDP, protoGRE, protoESP, protoICMPv6 = 1, 6, 17, 47, 50, 58
)

// newProbe reads the entry and the protocol of the table.
func newProbe(entry, proto string) probe {
	p := probe{icmpType: -1, tcpFlags: syn}
	if i := strings.IndexAny(entry, "#%"); i >= 0 {
		entry, p.preset = entry[:i], entry[i:]
	}
	entry, p.device, _ = strings.Cut(entry, "@")
	p.entry = entry
	if entry != "lan" && entry != "router" {
		p.device = entry
	}
	proto, p.options = strings.CutSuffix(proto, "+opt")
	name, detail, _ := strings.Cut(proto, "/")
	if number, err := strconv.Atoi(detail); err == nil {
		p.icmpType = number
	}
	if detail == "bad" {
		p.tcpFlags = syn | fin
	}
	names := map[string]uint8{"icmp": protoICMP, "tcp": protoTCP, "udp": protoUDP, "gre": protoGRE, "esp": protoESP}
	number, _ := strconv.ParseUint(name, 10, 8)
	if p.proto = names[name]; p.proto == 0 {
		p.proto = uint8(number)
	}
	return p
}

// numbered gives a probe the number by which its connection differs from others of the same kind.
func (p probe) numbered(own uint16) probe {
	if p.anyPort {
		p.sport = own
	}
	if p.proto == protoICMP {
		p.ident = own
	}
	return p
}

// connection is equal for probes that the kernel takes for one connection, in any direction.
func (p probe) connection() probe {
	c := probe{proto: p.proto, src: p.src, dst: p.dst, sport: p.sport, dport: p.dport, ident: p.ident}
	if c.dst.Less(c.src) {
		c.src, c.dst, c.sport, c.dport = c.dst, c.src, c.dport, c.sport
	}
	return c
}

func (p probe) hasPorts() bool { return p.proto == protoTCP || p.proto == protoUDP }

func (p probe) String() string {
	entry := p.entry
	if entry == "router" && p.device != "" {
		entry += "@" + p.device
	}
	name := map[uint8]string{protoICMP: "icmp", protoTCP: "tcp", protoUDP: "udp", protoGRE: "gre", protoESP: "esp"}[p.proto]
	if name == "" {
		name = fmt.Sprint(p.proto)
	}
	switch {
	case p.proto == protoICMP && p.icmpType >= 0:
		name += fmt.Sprintf("/%d", p.icmpType)
	case p.proto == protoTCP && p.tcpFlags == syn|fin:
		name += "/bad"
	}
	if p.options {
		name += "+opt"
	}
	if !p.hasPorts() {
		return fmt.Sprintf("%s%s %s %s > %s", entry, p.preset, name, p.src, p.dst)
	}
	return fmt.Sprintf("%s%s %s %s > %s", entry, p.preset, name, netip.AddrPortFrom(p.src, p.sport), netip.AddrPortFrom(p.dst, p.dport))
}

// tracked tells whether the kernel makes a connection of it.
func (p probe) tracked() bool {
	return p.icmpType < 0 && p.tcpFlags != syn|fin
}

// reply is the answer to it, entering where the probe went.
func (p probe) reply(where string) probe {
	answer := p
	answer.preset, answer.device = "", ""
	answer.entry = entryOf(where)
	answer.src, answer.dst, answer.sport, answer.dport = p.dst, p.src, p.dport, p.sport
	answer.tcpFlags = syn | ack
	if p.proto == protoICMP {
		answer.icmpType = map[bool]int{true: 0, false: 129}[p.src.Is4()]
	}
	return answer
}

// entryOf names the entry behind the place where a packet went.
func entryOf(where string) string {
	switch where {
	case lanDevice:
		return "lan"
	case here:
		return "router"
	}
	return where
}
