package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// resolver is the name server that the router asks once the lab has names.
const resolver = "198.51.100.53"

// Name gives a host name its addresses, none at all if it should not exist, at the name server 198.51.100.53 in the
// internet. Targets that are name servers know it, too.
func (t *Targets) Name(host string, addrs ...netip.Addr) error {
	server := netip.AddrPortFrom(netip.MustParseAddr(resolver), 53)
	t.mu.Lock()
	t.names[strings.ToLower(host)] = addrs
	_, odd := t.odd[server]
	t.mu.Unlock()
	if odd {
		return nil
	}
	return t.Behave(server, "dns")
}

// FindNames makes the router's programs ask the name server of the targets.
func (s *Site) FindNames() error {
	const path = "/etc/resolv.conf"
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // it may be a link to the one outside
		return fmt.Errorf("find names: %w", err)
	}
	return os.WriteFile(path, []byte("nameserver "+resolver+"\noptions timeout:1\n"), 0o644)
}

// DNS messages (RFC 1035 section 4): id, flags, four counts, question.
const (
	dnsHeader   = 12
	dnsNoName   = 3 // response codes
	dnsServFail = 2
	typeA       = 1
	typeAAAA    = 28
	pastTheName = 4 // bytes: type and class
)

// dnsLies change a right answer to a query, each in one respect.
func dnsLies() map[string]func(answer *packet, message []byte) []byte {
	code := func(code byte) func(*packet, []byte) []byte {
		return func(_ *packet, message []byte) []byte {
			message[3] = message[3]&0xf0 | code
			return message
		}
	}
	return map[string]func(*packet, []byte) []byte{
		"dns":          func(_ *packet, message []byte) []byte { return message },
		"dns-servfail": code(dnsServFail),
		"dns-no-name":  code(dnsNoName),
		"dns-wrong-id": func(_ *packet, message []byte) []byte {
			message[0]++
			return message
		},
		"dns-wrong-question": func(_ *packet, message []byte) []byte {
			message[dnsHeader+1]++ // the first letter of the name
			return message
		},
		"dns-query-back": func(_ *packet, message []byte) []byte {
			message[2] &= 0x7f // no response
			return message
		},
		"dns-cut-off": func(_ *packet, message []byte) []byte { return message[:dnsHeader+3] },
		"dns-wrong-source": func(answer *packet, message []byte) []byte {
			answer.from = stranger(answer.from)
			return message
		},
	}
}

// nameServer is a target that answers pings and, in its way, queries.
func (t *Targets) nameServer(lie func(answer *packet, message []byte) []byte) func(packet) []packet {
	return func(p packet) []packet {
		if p.proto != unix.IPPROTO_UDP || len(p.body) < headUDP+dnsHeader {
			return answerPing(p)
		}
		message, ok := t.resolve(p.body[headUDP:])
		if !ok {
			return nil
		}
		var changed packet
		changed.from = p.to
		answer := p.datagram(lie(&changed, message))
		answer.from = changed.from
		return []packet{answer}
	}
}

// resolve answers a query rightly. The caller holds mu.
func (t *Targets) resolve(query []byte) ([]byte, bool) {
	name, end, ok := questionName(query)
	if !ok {
		return nil, false
	}
	kind := binary.BigEndian.Uint16(query[end:])
	message := slices.Clone(query[:end+pastTheName])
	message[2], message[3] = 0x81, 0x80 // a response, recursion was desired and is available
	addrs, known := t.names[name]
	if !known || len(addrs) == 0 {
		message[3] |= dnsNoName
	}
	count := 0
	for _, addr := range addrs {
		if addr.Is4() && kind == typeA || addr.Is6() && kind == typeAAAA {
			message = appendRecord(message, kind, addr)
			count++
		}
	}
	copy(message[4:], []byte{0, 1, 0, byte(count), 0, 0, 0, 0})
	return message, true
}

// questionName returns the name that is asked for, and where it ends.
func questionName(query []byte) (string, int, bool) {
	var labels []string
	for at := dnsHeader; at < len(query); {
		length := int(query[at])
		at++
		if length == 0 {
			return strings.ToLower(strings.Join(labels, ".")), at, at+pastTheName <= len(query)
		}
		if at+length > len(query) {
			break
		}
		labels = append(labels, string(query[at:at+length]))
		at += length
	}
	return "", 0, false
}

// appendRecord appends an address of the name in question, which must not be kept (time to live 0).
func appendRecord(message []byte, kind uint16, addr netip.Addr) []byte {
	message = append(message, 0xc0, dnsHeader)
	message = binary.BigEndian.AppendUint16(message, kind)
	message = append(message, 0, 1, 0, 0, 0, 0)
	data := addr.AsSlice()
	return append(binary.BigEndian.AppendUint16(message, uint16(len(data))), data...)
}
