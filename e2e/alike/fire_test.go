package alike

import (
	"fmt"
	"strings"

	"github.com/vishvananda/netlink"
)

// salvo is how many probes are on their way at once; all of them are noted before the next is sent.
const salvo = 200

// gun fires probes and sees what becomes of them.
type gun struct {
	*wire
	*observer
	probes []probe
	end    probe // what ends a salvo
	salvos int
}

// journey is what became of the first packets of a connection.
type journey struct {
	first sight
	again sight // the same packet once more
	reply sight // the answer, through where the first went
	fault sight // an ICMP error about it, likewise
}

// shot is one packet to send.
type shot struct {
	probe
	packet func(number uint16) []byte
}

// fire sends the packets that the shots of 0…count-1 say; a shot without packet is none.
func (g *gun) fire(count int, shotOf func(i int) shot) []sight {
	g.wire.t.Helper()
	all := make([]sight, count)
	for start := 0; start < count; start += salvo {
		g.salvo(all[start:min(start+salvo, count)], func(i int) shot { return shotOf(start + i) })
	}
	return all
}

// salvo sends as many packets as there are sights to fill.
func (g *gun) salvo(all []sight, shotOf func(i int) shot) {
	g.wire.t.Helper()
	sights := map[uint16]sight{}
	errs := map[uint16]error{}
	g.stay()
	for i := range all {
		s, number := shotOf(i), uint16(i+1)
		if s.packet == nil {
			continue
		}
		if err := g.send(s.probe, s.packet(number), g.preset(s.probe)); err != nil {
			errs[number] = err
		}
	}
	g.last(sights)
	g.leave()
	for number, err := range errs {
		sights[number] = sight{where: fmt.Sprintf("%s: %v", nowhere, err)}
	}
	for i := range all {
		all[i] = sights[uint16(i+1)]
	}
}

// firstLast is the lowest number of the packets that end a salvo.
const firstLast = 0xff00

// last ends a salvo with packets to the router, as many as fill the log's batch, and reads until the first is there.
func (g *gun) last(sights map[uint16]sight) {
	g.salvos++
	number := firstLast + uint16(g.salvos%0x100)
	packet := g.end.packet(number)
	for notes := 0; notes <= logBatch; notes += 3 {
		_ = g.send(g.end, packet, 0)
	}
	g.read(sights, number)
}

// preset is the mark that a packet of the router's own begins with, under the mask.
func (g *gun) preset(p probe) uint32 {
	if len(p.preset) > 1 && p.preset[0] == '#' {
		return presetMark(g.mask, p.preset[1:])
	}
	return 0
}

// forget makes the kernel forget all connections.
func (g *gun) forget() {
	g.wire.t.Helper()
	g.check(netlink.ConntrackTableFlush(netlink.ConntrackTable))
}

// open sends the first packet of the wanted probes, all of them new connections.
func (g *gun) open(wanted func(i int) bool) []sight {
	g.wire.t.Helper()
	g.forget()
	return g.fire(len(g.probes), func(i int) shot {
		if !wanted(i) {
			return shot{}
		}
		return shot{g.probes[i], g.probes[i].packet}
	})
}

// follow sends what follows the first packets.
func (g *gun) follow(firsts []sight) []journey {
	g.wire.t.Helper()
	again := g.fire(len(firsts), func(i int) shot { return shot{g.probes[i], g.probes[i].packet} })
	reply := g.fire(len(firsts), func(i int) shot {
		if !g.probes[i].tracked() || !arrived(firsts[i]) {
			return shot{}
		}
		answer := g.probes[i].reply(firsts[i].where)
		return shot{answer, answer.packet}
	})
	fault := g.fire(len(firsts), func(i int) shot {
		if g.probes[i].proto != protoUDP || !arrived(firsts[i]) || firsts[i].where == here {
			return shot{}
		}
		return shot{probe{entry: entryOf(firsts[i].where), src: g.probes[i].src}, g.probes[i].fault}
	})
	all := make([]journey, len(firsts))
	for i := range all {
		all[i] = journey{firsts[i], again[i], reply[i], fault[i]}
	}
	return all
}

// arrived tells whether a packet got somewhere.
func arrived(s sight) bool { return s.where != "" && !strings.HasPrefix(s.where, nowhere) }

// spread makes connections that differ only in their source port, and returns how many became what.
func (g *gun) spread(p probe, count int) map[sight]int {
	g.wire.t.Helper()
	g.forget()
	of := func(i int) shot {
		p := p
		p.sport = 20000 + uint16(i)
		return shot{p, p.packet}
	}
	firsts := g.fire(count, of)
	counts := map[sight]int{}
	for i, again := range g.fire(count, of) {
		counts[firsts[i]]++
		if again != firsts[i] {
			g.wire.t.Fatalf("%s: the first packet: %v, the second: %v", of(i), firsts[i], again)
		}
	}
	return counts
}
