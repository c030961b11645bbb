package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"mwan3/network"
)

// answerDNS makes a query an answer with a code.
func answerDNS(rcode byte) func([]byte) []byte {
	return func(query []byte) []byte {
		query[2], query[3] = 0x81, 0x80|rcode
		return query
	}
}

func TestOnlyAnswersOfTheServerToOurQuestionCount(t *testing.T) {
	s := newStreet(t)
	good := answerDNS(0)
	then := func(edit func([]byte) []byte) func([]byte) []byte {
		return func(q []byte) []byte { return edit(good(q)) }
	}
	for i, family := range families {
		var mu sync.Mutex
		var answer func(conn *net.UDPConn, from netip.AddrPort, query []byte)
		s.serve(family.target.Addr, 53, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
			mu.Lock()
			defer mu.Unlock()
			answer(conn, from, query)
		})
		other := s.udp([]netip.Addr{other4, other6}[i], 53)
		otherPort := s.udp(family.target.Addr, 5353)
		for _, test := range []struct {
			name    string
			edit    func(query []byte) []byte
			copies  int
			by      *net.UDPConn // nil: the server itself
			ok      bool
			ignored []Ignored
			err     string
		}{
			{"the answer", good, 1, nil, true, nil, ""},
			{"twice", good, 2, nil, true, nil, ""},
			{"the answer with more behind", then(func(q []byte) []byte { return append(q, "records"...) }), 1, nil, true, nil, ""},
			{"cut behind the question", then(func(q []byte) []byte { q[2] |= 2; return q }), 1, nil, true, nil, ""},
			{"the query itself", func(q []byte) []byte { return q }, 1, nil, false, []Ignored{NotReply}, ""},
			{"another operation", then(set(2, 0xa0)), 1, nil, false, []Ignored{NotReply}, ""},
			{"other id", then(flip(0)), 1, nil, false, []Ignored{OtherSequence}, ""},
			{"other name", then(set(14, 'x')), 1, nil, false, []Ignored{OtherQuestion}, ""},
			{"no question", then(set(5, 0)), 1, nil, false, []Ignored{OtherQuestion}, ""},
			{"half a header", then(cut(11)), 1, nil, false, []Ignored{TooShort}, ""},
			{"half a question", then(cut(20)), 1, nil, false, []Ignored{TooShort}, ""},
			{"nothing", cut(0), 1, nil, false, []Ignored{TooShort}, ""},
			{"server failure", answerDNS(2), 1, nil, false, []Ignored{ServerError}, string(ServerError)},
			{"no such name", answerDNS(3), 1, nil, false, []Ignored{ServerError}, string(ServerError)},
			{"refused", answerDNS(5), 1, nil, false, []Ignored{ServerError}, string(ServerError)},
			{"from another host", good, 1, other, false, nil, ""},
			{"from another port", good, 1, otherPort, false, nil, ""},
		} {
			mu.Lock()
			answer = func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
				if test.by != nil {
					conn = test.by
				}
				for range test.copies {
					_, _ = conn.WriteToUDPAddrPort(test.edit(bytes.Clone(query)), from)
				}
			}
			mu.Unlock()
			options := DNSOptions{Name: "www.example.org", Port: 53, Timeout: short}
			if test.ok {
				options.Timeout = long
			}
			var ignored []Ignored
			d := NewDNS(family.path, options)
			d.Ignored = func(reason Ignored) { ignored = append(ignored, reason) }
			result := d.Probe(context.Background(), family.target)
			text := ""
			if result.Err != nil {
				text = result.Err.Error()
			}
			if result.OK != test.ok || (result.Latency > 0) != test.ok || (result.Loss == 0) != test.ok || text != test.err {
				t.Errorf("%s, %s: %+v", test.name, family.path.Family, result)
			}
			if !reflect.DeepEqual(ignored, test.ignored) {
				t.Errorf("%s, %s: ignored %q, want %q", test.name, family.path.Family, ignored, test.ignored)
			}
		}
	}
}

func TestAQueryThatIsLostIsRepeated(t *testing.T) {
	s := newStreet(t)
	queries := 0
	s.serve(target4, 53, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
		if queries++; queries == 2 {
			_, _ = conn.WriteToUDPAddrPort(answerDNS(0)(query), from)
		}
	})
	d := NewDNS(families[0].path, DNSOptions{Name: "www.example.org", Port: 53, Timeout: long})
	if result := d.Probe(context.Background(), families[0].target); !result.OK || result.Loss != 50 {
		t.Errorf("%+v", result)
	}
}

func TestQuestionsAreThoseOfRFC1035(t *testing.T) {
	got, err := dnsQuestion("WWW.example.org.", network.IPv6)
	must(t, err)
	want := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03org\x00\x00\x1c\x00\x01")
	if query := dnsQuery(0x1234, got); !bytes.Equal(query, want) {
		t.Errorf("got %q, want %q", query, want)
	}
	for _, name := range []string{"", ".", "a..b", ".a", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a"} {
		if question, err := dnsQuestion(name, network.IPv4); err == nil && len(question) > maxName+4 || err == nil && name != strings.Repeat("a.", 127)+"a" {
			t.Errorf("%q became %q", name, question)
		}
	}
}

func FuzzOnlyAnswersToTheQuestionPass(f *testing.F) {
	question, err := dnsQuestion("www.example.org", network.IPv4)
	must(f, err)
	f.Add(answerDNS(0)(dnsQuery(7, question)))
	f.Add(answerDNS(2)(dnsQuery(7, question)))
	f.Add([]byte{0, 7, 0x80})
	f.Fuzz(func(t *testing.T, packet []byte) {
		id, reason := parseDNS(packet, question)
		want := slices.Concat(binary.BigEndian.AppendUint16(nil, id), packet[min(2, len(packet)):min(dnsHeader, len(packet))], question)
		if reason == Accepted && !bytes.HasPrefix(packet, want) {
			t.Errorf("%q was accepted", packet)
		}
	})
}
