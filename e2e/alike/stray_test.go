package alike

import (
	"strconv"

	"mwan3/network"
)

// The one known difference: a mark within the mask that no interface of the family has, because another program gave it
// or because the interface is gone from the config. iptables keeps it like any other, for the packet and for its connection,
// which then follows the main table; nftables leaves it to the packet but neither gives it to the connection nor takes it from
// there: such a connection is decided anew.

// stray tells whether a probe has such a mark.
func (s *stage) stray(p probe) bool {
	id, err := strconv.Atoi(p.preset[min(1, len(p.preset)):])
	family, ok := s.inUse[id]
	return err == nil && !(ok && (family == network.IPv6) == p.src.Is6())
}

// sameStray demands exactly the known difference.
func (s *stage) sameStray(in state, p probe, iptables, nftables journey) {
	s.t.Helper()
	mark := presetMark(s.mask, p.preset[1:])
	conn := func(j journey) uint32 { return j.first.conn & uint32(s.mask) }
	known := conn(iptables) == mark && conn(nftables) != mark
	if p.preset[0] == '#' {
		known = known && iptables.first.where == nftables.first.where && iptables.first.mark == nftables.first.mark
	}
	if !known && arrived(iptables.first) {
		s.complain("%s: %s: not the known difference\n\tiptables: %s\n\tnftables: %s", in.name, p, iptables, nftables)
	}
}
