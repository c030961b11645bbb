package alike

import (
	"net/netip"
	"strings"

	"mwan3/config"
)

// refusals sends, in the state with this number, packets to where rules refuse and swallow. The kernel tells a sender in
// IPv4 only a few errors (ip_error in Linux' net/ipv4/route.c), so each has a source of its own.
func (s *stage) refusals(state int) []sight {
	targets := [...]string{"192.0.2.1", "203.0.2.9", "203.0.3.9", "203.0.6.9"}
	s.forget()
	s.countIPv4 = true
	defer func() { s.countIPv4 = false }()
	return s.fire(len(targets), func(i int) shot {
		p := probe{entry: "lan", proto: protoUDP, sport: 9, dport: 5000}
		p.src = netip.AddrFrom4([4]byte{192, 168, 1, byte(210 + len(targets)*state + i)})
		p.dst = netip.MustParseAddr(targets[i])
		return shot{p, p.packet}
	})
}

// sameRefusals compares them, and demands that senders are told of what is unreachable and of nothing else.
func (s *stage) sameRefusals(iptables, nftables state) {
	s.t.Helper()
	for i, theirs := range iptables.refused {
		ours := nftables.refused[i]
		single := func(seen sight) map[sight]int { return map[sight]int{seen: 1} }
		lan := probe{src: netip.IPv4Unspecified()}
		if theirs != ours && !s.explained(lan, iptables.random, single(theirs), single(ours)) {
			s.complain("%s: refusal %d\n\tiptables: %s\n\tnftables: %s", iptables.name, i, theirs, ours)
		}
		s.refusedRightly(iptables.name, theirs)
		s.refusedRightly(nftables.name, ours)
	}
}

func (s *stage) refusedRightly(state string, seen sight) {
	s.t.Helper()
	told := strings.Contains(seen.where, "ICMP error")
	if told != (s.markOf(seen) == s.mask.SpecialMark(config.Unreachable)) {
		s.complain("%s: an ICMP error for what is unreachable, and only for that: %s", state, seen)
	}
}
