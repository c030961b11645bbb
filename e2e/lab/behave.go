package lab

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// behaviour is what a target does: one of answer, stream and arp is set. A target that answers by packets answers pings,
// unless pings are its subject.
type behaviour struct {
	answer   func(request packet) []packet
	onlyICMP bool // TCP and UDP go to the usual service
	stream   func(conn net.Conn)
	arp      func(request arpMessage) [][]byte
}

// behaviours are all but honest. Each call makes them anew, without a memory.
//
//	silent                answers nothing at all
//	silent-ping           no pings; its services go on
//	only-ping             pings and nothing else
//	closed                pings; refuses TCP by a reset and UDP by an ICMP error, as a host without services does
//	refused-on-the-way    pings; somebody else refuses all else by ICMP errors
//	unreachable           somebody else says by ICMP errors that there is no such host
//	ping-…                answers pings wrongly; ping itself answers them rightly by the same means
//	every-other-twice     answers each second ping and datagram, but twice
//	dns, dns-…            a name server, and ones that answer wrongly
//	http, http-…          a web server, and ones that answer wrongly
//	tls, tls-…            a server that speaks TLS, and ones that begin and do not go on
//	mute, garbage, endless
//	                      accepts TCP connections and says nothing; nonsense; nonsense without an end
//	arp, arp-…            answers ARP, rightly or wrongly (on the network between the router and a provider)
func (t *Targets) behaviours() map[string]behaviour {
	all := map[string]behaviour{
		"silent":             {answer: func(packet) []packet { return nil }},
		"silent-ping":        {onlyICMP: true, answer: func(packet) []packet { return nil }},
		"only-ping":          {answer: answerPing},
		"closed":             {answer: func(p packet) []packet { return refuse(p, p.to) }},
		"refused-on-the-way": {answer: func(p packet) []packet { return refuse(p, stranger(p.to)) }},
		"unreachable":        {answer: func(p packet) []packet { return []packet{hostUnreachable().sent(p, stranger(p.to))} }},
		"every-other-twice":  {answer: everyOtherTwice()},
	}
	for name, lie := range pingLies() {
		all[name] = behaviour{onlyICMP: true, answer: lie}
	}
	for name, lie := range dnsLies() {
		all[name] = behaviour{answer: t.nameServer(lie)}
	}
	for name, serve := range streams() {
		all[name] = behaviour{stream: serve}
	}
	for name, lie := range arpLies() {
		all[name] = behaviour{arp: lie}
	}
	return all
}

// stranger is an address that nobody asked.
func stranger(like netip.Addr) netip.Addr {
	if like.Is6() {
		return netip.MustParseAddr("2001:db8:99::99")
	}
	return netip.MustParseAddr("203.0.113.99")
}

func answerPing(p packet) []packet {
	if !p.isEcho() {
		return nil
	}
	return []packet{p.pong()}
}

// The errors about a UDP port that nobody listens on, and about a host that is not there (RFC 792, RFC 4443).
func portUnreachable() icmpError { return icmpError{[2]byte{3, 3}, [2]byte{1, 4}} }
func hostUnreachable() icmpError { return icmpError{[2]byte{3, 1}, [2]byte{1, 3}} }

// refuse answers pings and refuses everything else in the name of an address.
func refuse(p packet, by netip.Addr) []packet {
	switch {
	case p.isEcho():
		return []packet{p.pong()}
	case p.proto == unix.IPPROTO_TCP && by == p.to && len(p.body) >= headTCP:
		return []packet{p.reset()}
	}
	return []packet{portUnreachable().sent(p, by)}
}

// everyOtherTwice answers the second, fourth, … ping or datagram of each peer, but twice.
func everyOtherTwice() func(packet) []packet {
	type kind struct {
		peer  netip.Addr
		proto byte
	}
	seen := map[kind]int{}
	return func(p packet) []packet {
		var answer packet
		switch {
		case p.isEcho():
			answer = p.pong()
		case p.proto == unix.IPPROTO_UDP && len(p.body) >= headUDP:
			answer = p.datagram(p.body[headUDP:])
		default:
			return nil
		}
		who := kind{p.from, p.proto}
		if seen[who]++; seen[who]%2 == 1 {
			return nil
		}
		return []packet{answer, answer}
	}
}

// pingLies answer pings wrongly, each in one respect.
func pingLies() map[string]func(packet) []packet {
	number := func(at int) func(*packet) {
		return func(p *packet) { binary.BigEndian.PutUint16(p.body[at:], binary.BigEndian.Uint16(p.body[at:])+1) }
	}
	changes := map[string]func(*packet){
		"ping":                func(*packet) {},
		"ping-wrong-id":       number(4),
		"ping-wrong-sequence": number(6),
		"ping-wrong-payload":  func(p *packet) { p.body[len(p.body)-1]++ },
		"ping-wrong-token":    func(p *packet) { p.body[headICM]++ },
		"ping-wrong-source":   func(p *packet) { p.from = stranger(p.from) },
		"ping-wrong-code":     func(p *packet) { p.body[1]++ },
		"ping-wrong-checksum": func(p *packet) { p.spoilt = true },
		"ping-cut-off":        func(p *packet) { p.body = p.body[:headICM+4] },
		"ping-too-long":       func(p *packet) { p.body = append(p.body, 0) },
	}
	lies := map[string]func(packet) []packet{"ping-late": late()}
	for name, change := range changes {
		lies[name] = func(p packet) []packet {
			if !p.isEcho() || len(p.body) < headICM+8 {
				return nil // there is nothing to be changed
			}
			answer := p.pong()
			change(&answer)
			return []packet{answer}
		}
	}
	return lies
}

// late answers each ping when the peer has sent nine more. A tracker sends up to three in a round, and has two rounds
// under way.
func late() func(packet) []packet {
	const behind = 9
	var waiting []packet
	return func(p packet) []packet {
		waiting = append(waiting, answerPing(p)...)
		if len(waiting) <= behind {
			return nil
		}
		answer := waiting[0]
		waiting = waiting[1:]
		return []packet{answer}
	}
}
