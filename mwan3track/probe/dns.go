package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"mwan3/network"
)

// DNSOptions are the options of method nslookup.
type DNSOptions struct {
	Name    string // that is asked for
	Port    int
	Timeout time.Duration // of the whole probe; the query is repeated each second
}

// DNS probes name servers: it asks for a name. An answer without error counts, whether or not the name has addresses of
// the path's family. As with busybox's nslookup the answer that there is no such name is none, and servers' errors, such
// as that of a resolver which cannot reach anybody, are none either.
type DNS struct {
	// Ignored, if set, hears why each packet that is no answer was ignored.
	Ignored func(Ignored)

	path    Path
	options DNSOptions
}

// NewDNS makes a Prober.
func NewDNS(path Path, options DNSOptions) *DNS { return &DNS{path: path, options: options} }

// Close does nothing: each probe has a socket, and so a port, of its own.
func (d *DNS) Close() error { return nil }

// Probe asks until there is an answer or the time is over.
func (d *DNS) Probe(ctx context.Context, target Target) Result {
	question, err := dnsQuestion(d.options.Name, d.path.Family)
	if err != nil {
		return dead(err)
	}
	b, err := openUDP(ctx, d.path, target.Addr, d.options.Port)
	if err != nil {
		return dead(err)
	}
	e := newExchange(b, target.terms(terms{count: 1, need: 1, timeout: d.options.Timeout, repeat: true}))
	e.ignored = d.Ignored
	e.request = func(id uint16) error { return b.write(target.Addr, dnsQuery(id, question)) }
	e.parse = func(packet []byte) (uint16, Ignored) { return parseDNS(packet, question) }
	return e.probe(ctx)
}

// DNS messages (RFC 1035 section 4): id, flags, four counts, question.
const (
	dnsHeader    = 12
	dnsRecursion = 0x0100 // flag of a query: ask others, too
	dnsResponse  = 0x8000
	dnsOpcode    = 0x7800
	dnsRcode     = 0x000f

	dnsTypeA    = 1
	dnsTypeAAAA = 28
	dnsClassIN  = 1
	maxLabel    = 63
	maxName     = 255 // bytes of a whole name
)

// dnsQuestion encodes the question for the addresses of a name.
func dnsQuestion(name string, family network.Family) ([]byte, error) {
	var question []byte
	for _, label := range strings.Split(strings.TrimSuffix(strings.ToLower(name), "."), ".") {
		if label == "" || len(label) > maxLabel {
			return nil, fmt.Errorf("ask for %q: that is no host name", name)
		}
		question = append(append(question, byte(len(label))), label...)
	}
	question = append(question, 0)
	if len(question) > maxName {
		return nil, fmt.Errorf("ask for %q: that is no host name", name)
	}
	kind := uint16(dnsTypeA)
	if family == network.IPv6 {
		kind = dnsTypeAAAA
	}
	question = binary.BigEndian.AppendUint16(question, kind)
	return binary.BigEndian.AppendUint16(question, dnsClassIN), nil
}

func dnsQuery(id uint16, question []byte) []byte {
	query := binary.BigEndian.AppendUint16(nil, id)
	query = binary.BigEndian.AppendUint16(query, dnsRecursion)
	query = append(query, 0, 1, 0, 0, 0, 0, 0, 0)
	return append(query, question...)
}

// parseDNS returns the id of an answer to the question, or the reason why the packet is none. What the answer says beyond
// its code is not looked at.
func parseDNS(packet, question []byte) (uint16, Ignored) {
	if len(packet) < dnsHeader {
		return 0, TooShort
	}
	flags := binary.BigEndian.Uint16(packet[2:])
	rest := packet[dnsHeader:]
	switch {
	case flags&dnsResponse == 0 || flags&dnsOpcode != 0:
		return 0, NotReply
	case flags&dnsRcode != 0:
		return 0, ServerError // such answers need not repeat the question
	case len(rest) < len(question):
		return 0, TooShort
	case binary.BigEndian.Uint16(packet[4:]) != 1 || !bytes.HasPrefix(rest, question):
		return 0, OtherQuestion
	}
	return binary.BigEndian.Uint16(packet), Accepted
}
