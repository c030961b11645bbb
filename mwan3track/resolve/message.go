package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"mwan3/network"
)

// Why an answer has no addresses. Only the first two end a lookup: another server may do better than one that fails.
var (
	errNoHost   = errors.New("no such host")
	errNoAddr   = errors.New("no address")
	errServer   = errors.New("server misbehaving")
	errNoAnswer = errors.New("that is no answer to the question") // somebody else may have sent it
)

// maxRecords bounds the records of an answer that are looked at.
const maxRecords = 64

// ask makes the question for the addresses of a name.
func ask(name string, family network.Family) (dnsmessage.Question, error) {
	encoded, err := dnsmessage.NewName(strings.ToLower(name) + ".")
	if err != nil {
		return dnsmessage.Question{}, fmt.Errorf("ask for %q: that is no host name", name)
	}
	kind := dnsmessage.TypeA
	if family == network.IPv6 {
		kind = dnsmessage.TypeAAAA
	}
	return dnsmessage.Question{Name: encoded, Type: kind, Class: dnsmessage.ClassINET}, nil
}

// query encodes a question.
func query(id uint16, question dnsmessage.Question) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	if err := errors.Join(b.StartQuestions(), b.Question(question)); err != nil {
		return nil, fmt.Errorf("ask for %q: that is no host name", question.Name.String())
	}
	return b.Finish()
}

// parse returns the addresses in an answer to the question. The error is one of the above. What is cut off behind the
// addresses does not matter.
func parse(packet []byte, id uint16, question dnsmessage.Question) ([]netip.Addr, error) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil || !header.Response || header.ID != id || header.OpCode != 0 {
		return nil, errNoAnswer
	}
	asked, err := p.Question()
	if err != nil || asked.Type != question.Type || asked.Class != question.Class ||
		!sameName(asked.Name.String(), question.Name.String()) || p.SkipQuestion() != dnsmessage.ErrSectionDone {
		return nil, errNoAnswer
	}
	switch header.RCode {
	case dnsmessage.RCodeSuccess:
	case dnsmessage.RCodeNameError:
		return nil, errNoHost
	default:
		return nil, errServer
	}
	addrs := follow(question.Name, records(&p, question.Type))
	lame := !header.Authoritative && !header.RecursionAvailable // it knows somebody who knows
	if len(addrs) == 0 && (header.Truncated || lame) {
		return nil, errServer
	}
	if len(addrs) == 0 {
		return nil, errNoAddr
	}
	return addrs, nil
}

// record is an address or another name.
type record struct {
	owner dnsmessage.Name
	addr  netip.Addr
	alias dnsmessage.Name // if addr is invalid
}

// records reads the aliases and the addresses of a kind, as far as they can be read.
func records(p *dnsmessage.Parser, kind dnsmessage.Type) []record {
	var records []record
	for range maxRecords {
		header, err := p.AnswerHeader()
		if err != nil {
			break
		}
		r := record{owner: header.Name}
		switch {
		case header.Class != dnsmessage.ClassINET, header.Type != kind && header.Type != dnsmessage.TypeCNAME:
			err = p.SkipAnswer()
		case header.Type == dnsmessage.TypeA:
			var body dnsmessage.AResource
			body, err = p.AResource()
			r.addr = netip.AddrFrom4(body.A)
		case header.Type == dnsmessage.TypeAAAA:
			var body dnsmessage.AAAAResource
			body, err = p.AAAAResource()
			r.addr = netip.AddrFrom16(body.AAAA)
		default:
			var body dnsmessage.CNAMEResource
			body, err = p.CNAMEResource()
			r.alias = body.CNAME
		}
		if err != nil {
			break
		}
		if r.addr.IsValid() || r.alias.Length > 0 {
			records = append(records, r)
		}
	}
	return records
}

// follow returns the addresses of a name, or of the names that it stands for.
func follow(name dnsmessage.Name, records []record) []netip.Addr {
	for range len(records) + 1 { // aliases may go round in circles
		var addrs []netip.Addr
		alias := dnsmessage.Name{}
		for _, r := range records {
			switch {
			case !sameName(r.owner.String(), name.String()):
			case r.addr.IsValid():
				addrs = append(addrs, r.addr)
			default:
				alias = r.alias
			}
		}
		if len(addrs) > 0 || alias.Length == 0 {
			return addrs
		}
		name = alias
	}
	return nil
}
