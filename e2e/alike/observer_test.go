package alike

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"mwan3/config"
)

// Foreign bits of marks, before the mask is taken out: of packets and of connections.
const (
	foreignPacket     = 0xa5a5a5a5
	foreignConnection = 0x5a3c5a3c
)

// Where a packet can end up, beside a device.
const (
	lanDevice = "lan0"
	here      = "the router"
	nowhere   = "nowhere"
)

// sight is what became of a packet.
type sight struct {
	where string // a device, the router, nowhere; for nowhere, with the error that the sender got
	mark  uint32 // the packet's when it left, arrived, or else when it was marked
	conn  uint32 // its connection's, 0 if it has none; not known of packets that got nowhere
}

func (s sight) String() string { return fmt.Sprintf("%s mark %#x/%#x", s.where, s.mark, s.conn) }

// observer sees all probes on their way through the router.
type observer struct {
	t       *testing.T
	log     *netlog
	mask    config.Mask
	devices map[int]string

	countIPv4 bool // whether errors of IPv4 count
}

// presets are the marks that a probe can have already: ids or names.
var presets = [...]string{"1", "2", "4", "9", "default", "unreachable", "blackhole"}

// trafficClass says in the packet which preset it wants: DSCP 1… the packet's mark, 11… the connection's.
func trafficClass(preset string) byte {
	for i, name := range presets {
		switch preset {
		case "#" + name:
			return byte(i+1) << 2
		case "%" + name:
			return byte(i+11) << 2
		}
	}
	return 0
}

// presetMark is the mark of a preset, under the mask.
func presetMark(mask config.Mask, name string) uint32 {
	switch name {
	case "default", "unreachable", "blackhole":
		return mask.SpecialMark(config.Special(name))
	}
	id := 0
	fmt.Sscan(name, &id)
	return mask.Mark(id)
}

// observe starts to observe. It also keeps everything that is no probe from interfering.
func observe(t *testing.T, mask config.Mask) *observer {
	t.Helper()
	o := &observer{t: t, log: openLog(t), mask: mask, devices: map[int]string{}}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		o.devices[link.Index] = link.Name
	}
	command := exec.Command("nft", "-f", "-")
	command.Stdin = strings.NewReader(o.table())
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("load the observer: %v\n%s", err, out)
	}
	return o
}

func (o *observer) packetMark() uint32     { return foreignPacket &^ uint32(o.mask) }
func (o *observer) connectionMark() uint32 { return foreignConnection &^ uint32(o.mask) }

// table is the observer's: before mwan3 it gives marks, after it and at the end it notes them.
func (o *observer) table() string {
	const text = `table inet observer {
	chain o_arrive {
		type filter hook prerouting priority -400
		ip ttl != %[1]d drop
		ip6 hoplimit != %[1]d drop
	}
	chain o_send {
		type filter hook output priority -400
		ip ttl != %[1]d icmp type { destination-unreachable, time-exceeded } log prefix "refused" group %[2]d queue-threshold %[7]d
		ip6 hoplimit != %[1]d icmpv6 type { destination-unreachable, time-exceeded } log prefix "refused" group %[2]d queue-threshold %[7]d
		ip ttl != %[1]d drop
		ip6 hoplimit != %[1]d drop
	}
	chain o_before {
		type filter hook prerouting priority -155
		meta mark set %#[3]x
		ct state new ct mark 0 ct mark set %#[4]x
%[5]s	}
	chain o_before_sent {
		type filter hook output priority -155
		ct state new ct mark 0 ct mark set %#[4]x
%[6]s	}
	chain o_after {
		type filter hook prerouting priority -140
		log prefix "marked" group %[2]d queue-threshold %[7]d snaplen 60
	}
	chain o_after_sent {
		type filter hook output priority -140
		log prefix "marked" group %[2]d queue-threshold %[7]d snaplen 60
	}
	chain o_in {
		type filter hook input priority 300
		log prefix "in" group %[2]d queue-threshold %[7]d snaplen 60
		meta mark set ct mark log prefix "connection" group %[2]d queue-threshold %[7]d snaplen 60
	}
	chain o_out {
		type filter hook postrouting priority 300
		log prefix "out" group %[2]d queue-threshold %[7]d snaplen 60
		meta mark set ct mark log prefix "connection" group %[2]d queue-threshold %[7]d snaplen 60
	}
}
`
	packets, connections := o.presetRules()
	return fmt.Sprintf(text, hops, logGroup, o.packetMark(), o.connectionMark(), packets+connections, connections, logBatch)
}

// presetRules give the marks that probes ask for. The router sets those of its own packets itself.
func (o *observer) presetRules() (packets, connections string) {
	for i, name := range presets {
		mark := presetMark(o.mask, name)
		for _, family := range []string{"ip", "ip6"} {
			packets += fmt.Sprintf("\t\t%s dscp %d meta mark set %#x\n", family, i+1, o.packetMark()|mark)
			connections += fmt.Sprintf("\t\t%s dscp %d ct state new ct mark %#x ct mark set %#x\n", family, i+11, o.connectionMark(), o.connectionMark()|mark)
		}
	}
	return packets, connections
}

// read reads what was noted until the packet with the last number has arrived at the router, and adds it to sights. Of
// other packets with such numbers it takes no notice.
func (o *observer) read(sights map[uint16]sight, last uint16) {
	o.t.Helper()
	for {
		note := o.log.next()
		if note.prefix == "refused" {
			o.refused(sights, note.packet)
			continue
		}
		number, ok := numberOf(note.packet)
		if !ok {
			o.t.Fatalf("an unknown packet: %x", note.packet)
		}
		if number >= firstLast {
			if number == last && note.prefix == "connection" {
				return
			}
			continue
		}
		s := sights[number]
		switch note.prefix {
		case "marked":
			if s.where == "" {
				s.where, s.mark = nowhere, note.mark
			}
		case "in":
			s.where, s.mark = here, note.mark
		case "out":
			s.where, s.mark = o.devices[note.out], note.mark
		case "connection":
			s.conn = note.mark
		}
		sights[number] = s
	}
}

// refused notes the error that the router told a sender.
func (o *observer) refused(sights map[uint16]sight, packet []byte) {
	number, kind, ok := refused(packet)
	if !ok {
		return
	}
	s := sights[number]
	if (o.countIPv4 || packet[0]>>4 == 6) && strings.HasPrefix(s.where, nowhere) {
		s.where = fmt.Sprintf("%s, ICMP error %d/%d", nowhere, kind[0], kind[1])
	}
	sights[number] = s
}
