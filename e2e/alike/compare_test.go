package alike

import (
	"fmt"
	"sort"
	"strings"

	"mwan3/config"
)

// What is too unlikely to be chance: where a table of probes is judged, and for one measurement (4.5 standard deviations).
const (
	unlikely    = 1e-8
	tooUnlikely = 3.4e-6
)

// compare reports all differences between the backends, and what is wrong with both.
func (s *stage) compare(iptables, nftables []state) {
	s.t.Helper()
	for i := range iptables {
		s.sane("iptables", iptables[i])
		s.sane("nftables", nftables[i])
		s.sameFirsts(iptables[i], nftables[i])
		s.sameRefusals(iptables[i], nftables[i])
		s.sameJourneys(iptables[i], iptables[i].journeys, nftables[i].journeys)
		before := iptables[i]
		before.name, before.forgotten = "connections from before, "+before.name, s.forgetful
		s.sameJourneys(before, iptables[i].carried, nftables[i].carried)
	}
	if s.faults > enough {
		s.t.Errorf("… and %d more", s.faults-enough)
	}
}

// enough is how many faults of a record are told in full.
const enough = 20

// complain reports a fault.
func (s *stage) complain(format string, args ...any) {
	s.t.Helper()
	if s.faults++; s.faults <= enough {
		s.t.Errorf(format, args...)
	}
}

// sameFirsts compares what became of new connections. A probe is alike if both backends always did the same with
// it, or if one policy explains what both did.
func (s *stage) sameFirsts(iptables, nftables state) {
	s.t.Helper()
	for i, theirs := range iptables.firsts {
		ours := nftables.firsts[i]
		if s.stray(s.probes[i]) || sameSights(theirs, ours) || s.explained(s.probes[i], iptables.random, theirs, ours) {
			continue
		}
		s.complain("%s: %s\n\tiptables: %s\n\tnftables: %s", iptables.name, s.probes[i], show(theirs), show(ours))
	}
}

// sameSights tells whether both always saw the same.
func sameSights(a, b map[sight]int) bool {
	for sight := range a {
		return len(a) == 1 && len(b) == 1 && b[sight] > 0
	}
	return len(b) == 0
}

// explained tells whether one policy makes both of it, and a mark means the same with both.
func (s *stage) explained(p probe, policies map[string]policy, a, b map[sight]int) bool {
	meaning := map[uint32]sight{}
	for _, sights := range []map[sight]int{a, b} {
		for sight := range sights {
			mark := s.markOf(sight)
			if known, ok := meaning[mark]; ok && known != sight {
				return false
			}
			meaning[mark] = sight
		}
	}
	for name, policy := range policies {
		policy = policy.folded(meaning)
		if isOf(name, p) && policy.explains(s.marks(a), unlikely) && policy.explains(s.marks(b), unlikely) {
			return true
		}
	}
	return false
}

// sameJourneys compares the later packets of connections that began the same way. Where no connection came about, a
// later packet begins one, and policies choose.
func (s *stage) sameJourneys(in state, theirs, ours []journey) {
	s.t.Helper()
	for i, p := range s.probes[:len(theirs)] {
		a, b := theirs[i], ours[i]
		if s.stray(p) {
			s.sameStray(in, p, a, b)
			continue
		}
		if a == b || a.first != b.first {
			continue
		}
		none := in.forgotten || s.dead(a.first) || !p.tracked() || !arrived(a.first)
		if none && s.explained(p, in.random, map[sight]int{a.again: 1}, map[sight]int{b.again: 1}) {
			continue
		}
		s.complain("%s: %s\n\tiptables: %s\n\tnftables: %s", in.name, p, a, b)
	}
}

// dead tells whether a connection had a mark that none keeps when an interface recovers.
func (s *stage) dead(first sight) bool {
	mark := s.markOf(first)
	return mark == s.mask.SpecialMark(config.Unreachable) || mark == s.mask.SpecialMark(config.Blackhole)
}

// sane checks what holds for each backend by itself: later packets of a connection follow the first, foreign bits of the
// marks survive, and the shares are those of the policy.
func (s *stage) sane(backend string, st state) {
	s.t.Helper()
	for i, j := range st.journeys {
		if s.probes[i].tracked() && arrived(j.first) && j.again != j.first {
			s.complain("%s, %s: %s\n\tthe second packet does not follow the first: %s", backend, st.name, s.probes[i], j)
		}
	}
	for i, j := range append(append([]journey(nil), st.journeys...), st.carried...) {
		for _, seen := range []sight{j.first, j.again, j.reply, j.fault} {
			if !s.foreignBitsKept(seen) {
				s.complain("%s, %s: %s\n\tforeign bits are lost: %s", backend, st.name, s.probes[i%len(s.probes)], j)
			}
		}
	}
	for name, counts := range st.spread {
		if !st.random[name].explains(s.marks(counts), tooUnlikely) {
			s.complain("%s, %s: %s\n\t%d connections: %s\n\tthe weights of %s: %v", backend, st.name,
				s.probes[st.chosen[name]], sample, show(counts), name, st.random[name])
		}
	}
}

// foreignBitsKept tells whether the bits outside of the mask are those that the packet and the connection had.
func (s *stage) foreignBitsKept(seen sight) bool {
	outside := ^uint32(s.mask)
	marked := seen.mark != 0 || arrived(seen)
	return (!marked || seen.mark&outside == s.packetMark()) && (seen.conn == 0 || seen.conn&outside == s.connectionMark())
}

func show(sights map[sight]int) string {
	var list []string
	for sight, count := range sights {
		list = append(list, fmt.Sprintf("%d× %s", count, sight))
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

func (j journey) String() string {
	text := j.first.String() + "; again " + j.again.String()
	if j.reply.where != "" {
		text += "; reply " + j.reply.String()
	}
	if j.fault.where != "" {
		text += "; error " + j.fault.String()
	}
	return text
}
