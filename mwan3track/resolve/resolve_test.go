package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/dns/dnsmessage"

	"mwan3/network"
)

var addresses = cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, server{})

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolvConfIsUnderstood(t *testing.T) {
	at := func(text string, zone uint32) server { return server{addr: netip.MustParseAddrPort(text), zone: zone} }
	for _, test := range []struct {
		text string
		want system
	}{
		{"", system{servers: []server{at("127.0.0.1:53", 0)}, ndots: 1, timeout: 5 * time.Second, attempts: 2}},
		{"# nameserver 192.0.2.9\n; x\nnameserver\nnameserver x\nnameserver 192.0.2.1 # one\nnameserver fe80::1%1\n" +
			"nameserver ::ffff:192.0.2.3\nnameserver 192.0.2.4\ndomain example\nsearch lan. home\n" +
			"options rotate ndots:99 timeout:0 attempts:-1 edns0 attempts:3 ndots:x\n",
			system{servers: []server{at("192.0.2.1:53", 0), at("[fe80::1]:53", 1), at("192.0.2.3:53", 0)},
				search: []string{"lan.", "home"}, ndots: 15, timeout: time.Second, attempts: 3}},
		{"nameserver fe80::1%17\nnameserver fe80::1%none\nsearch a b\ndomain c d\n",
			system{servers: []server{at("[fe80::1]:53", 17)}, search: []string{"c"}, ndots: 1, timeout: 5 * time.Second, attempts: 2}},
	} {
		got := readSystem(file(t, test.text))
		if diff := cmp.Diff(test.want, got, addresses, cmp.AllowUnexported(system{})); diff != "" {
			t.Errorf("%q: %s", test.text, diff)
		}
	}
}

func TestNamesAreTriedInOrder(t *testing.T) {
	for _, test := range []struct {
		host  string
		ndots int
		want  string
	}{
		{"host", 1, "host.lan host.home host"},
		{"a.host", 1, "a.host a.host.lan a.host.home"},
		{"a.host", 2, "a.host.lan a.host.home a.host"},
		{"a.host.", 2, "a.host"},
	} {
		s := system{search: []string{"lan.", ".", "home"}, ndots: test.ndots}
		if got := strings.Join(s.names(test.host), " "); got != test.want {
			t.Errorf("%s with ndots %d: %s, want %s", test.host, test.ndots, got, test.want)
		}
	}
}

func TestHostsComeFirst(t *testing.T) {
	r := Resolver{Hosts: file(t, "# 192.0.2.9 host\n192.0.2.1\thost.example HOST # host2\n2001:db8::1 host\n192.0.2.2 other host\nx host\n192.0.2.3\n"),
		Conf: file(t, "nameserver 127.0.0.1\n")}
	for family, want := range [][]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1"}} {
		got, err := r.Lookup(context.Background(), network.Family(family), "Host.")
		if err != nil || strings.Join(texts(got), " ") != strings.Join(want, " ") {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
}

func texts(addrs []netip.Addr) []string {
	var texts []string
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	return texts
}

// reply is what a server in a test makes of a query.
type reply func(m dnsmessage.Message) [][]byte

// serve starts a server on a port of its own.
func serve(t *testing.T, answer reply) server {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || m.Response || len(m.Questions) != 1 {
				continue
			}
			for _, packet := range answer(m) {
				_, _ = conn.WriteToUDPAddrPort(packet, from)
			}
		}
	}()
	return server{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
}

func name(text string) dnsmessage.Name { return dnsmessage.MustNewName(text) }

func address(owner, text string) dnsmessage.Resource {
	addr := netip.MustParseAddr(text)
	h := dnsmessage.ResourceHeader{Name: name(owner), Class: dnsmessage.ClassINET}
	if addr.Is4() {
		return dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: addr.As4()}}
	}
	return dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}
}

func alias(owner, text string) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name(owner), Class: dnsmessage.ClassINET},
		Body: &dnsmessage.CNAMEResource{CNAME: name(text)}}
}

// honest answers with records, changed by edit.
func honest(edit func(*dnsmessage.Message), answers ...dnsmessage.Resource) reply {
	return func(m dnsmessage.Message) [][]byte {
		m.Response, m.RecursionAvailable, m.Answers, m.Questions = true, true, answers, slices.Clone(m.Questions)
		if edit != nil {
			edit(&m)
		}
		packet, err := m.Pack()
		if err != nil {
			panic(err)
		}
		return [][]byte{packet}
	}
}

// then answers as one reply after the other.
func then(replies ...reply) reply {
	return func(m dnsmessage.Message) (packets [][]byte) {
		for _, answer := range replies {
			packets = append(packets, answer(m)...)
		}
		return packets
	}
}

func silent(dnsmessage.Message) [][]byte { return nil }

func code(code dnsmessage.RCode) func(*dnsmessage.Message) {
	return func(m *dnsmessage.Message) { m.RCode = code }
}

func cutTo(n int, answer reply) reply {
	return func(m dnsmessage.Message) [][]byte { return [][]byte{answer(m)[0][:n]} }
}

func TestOnlyAnswersToTheQuestionCount(t *testing.T) {
	good, bad := address("host.example.", "192.0.2.1"), address("host.example.", "192.0.2.66")
	lies := then(
		honest(func(m *dnsmessage.Message) { m.ID++ }, bad),
		honest(func(m *dnsmessage.Message) { m.Response = false }, bad),
		honest(func(m *dnsmessage.Message) { m.OpCode = 5 }, bad),
		honest(func(m *dnsmessage.Message) { m.Questions = nil }, bad),
		honest(func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }, bad),
		honest(func(m *dnsmessage.Message) { m.Questions[0].Name = name("other.example.") }, bad),
		honest(func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeAAAA }, bad),
		honest(func(m *dnsmessage.Message) { m.RCode, m.ID = dnsmessage.RCodeNameError, m.ID+1 }),
		func(dnsmessage.Message) [][]byte { return [][]byte{{}, {0}, []byte("garbage that is long enough")} },
	)
	for _, test := range []struct {
		name   string
		answer reply
		want   string // addresses, or the error
	}{
		{"honest", honest(nil, good), "192.0.2.1"},
		{"two", honest(nil, good, address("HOST.example.", "192.0.2.2")), "192.0.2.1 192.0.2.2"},
		{"lies first", then(lies, honest(nil, good)), "192.0.2.1"},
		{"lies alone", lies, "i/o timeout"},
		{"silence", silent, "i/o timeout"},
		{"of somebody else", honest(nil, address("other.example.", "192.0.2.66")), "no address"},
		{"of the other family", honest(nil, address("host.example.", "2001:db8::1")), "no address"},
		{"aliases in any order", honest(nil, address("b.example.", "192.0.2.1"), alias("a.example.", "b.example."),
			alias("host.example.", "a.example.")), "192.0.2.1"},
		{"aliases in a circle", honest(nil, alias("host.example.", "a.example."), alias("a.example.", "host.example.")), "no address"},
		{"no such name", honest(code(dnsmessage.RCodeNameError)), "no such host"},
		{"failure", honest(code(dnsmessage.RCodeServerFailure), bad), "server misbehaving"},
		{"refused", honest(code(dnsmessage.RCodeRefused)), "server misbehaving"},
		{"lame", honest(func(m *dnsmessage.Message) { m.RecursionAvailable = false }), "server misbehaving"},
		{"cut off", honest(func(m *dnsmessage.Message) { m.Truncated = true }), "server misbehaving"},
		{"cut off behind an address", cutTo(50, honest(nil, good, bad)), "192.0.2.1"},
	} {
		s := system{servers: []server{serve(t, test.answer)}, timeout: 50 * time.Millisecond, attempts: 1}
		if !strings.Contains(test.want, "timeout") {
			s.timeout = 10 * time.Second
		}
		question, err := ask("Host.Example", network.IPv4)
		if err != nil {
			t.Fatal(err)
		}
		addrs, err := s.lookup(context.Background(), question)
		got := strings.Join(texts(addrs), " ")
		if err != nil {
			got = err.Error()
		}
		if got != test.want && !strings.HasSuffix(got, ": "+test.want) && !strings.HasSuffix(got, " "+test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestTheNextServerIsAskedWhenOneFails(t *testing.T) {
	var asked atomic.Int32
	count := func(answer reply) reply {
		return func(m dnsmessage.Message) [][]byte {
			asked.Add(1)
			return answer(m)
		}
	}
	closed := serve(t, silent)
	closed.addr = netip.AddrPortFrom(closed.addr.Addr(), 1) // nobody listens: the kernel says so
	answer6 := honest(nil, address("host.", "2001:db8::7"))
	for _, test := range []struct {
		name  string
		first server
		asked int32
	}{
		{"silent", serve(t, count(silent)), 2},
		{"failing", serve(t, count(honest(code(dnsmessage.RCodeServerFailure)))), 2},
		{"closed", closed, 1},
	} {
		asked.Store(0)
		s := system{servers: []server{test.first, serve(t, count(answer6))}, timeout: 200 * time.Millisecond, attempts: 2}
		question, _ := ask("host", network.IPv6)
		addrs, err := s.lookup(context.Background(), question)
		if err != nil || strings.Join(texts(addrs), " ") != "2001:db8::7" || asked.Load() != test.asked {
			t.Errorf("%s: %v, %v, %d queries", test.name, addrs, err, asked.Load())
		}
	}
}

func TestTheEndOfTheContextEndsALookup(t *testing.T) {
	s := system{servers: []server{serve(t, silent)}, timeout: time.Minute, attempts: 2}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	question, _ := ask("host", network.IPv4)
	for range 2 { // the second time it has ended before
		if addrs, err := s.lookup(ctx, question); !errors.Is(err, context.DeadlineExceeded) || addrs != nil {
			t.Error(addrs, err)
		}
	}
}

func TestWhatIsNoNameIsNotAskedFor(t *testing.T) {
	for _, host := range []string{"a..b", strings.Repeat("a", 64), strings.Repeat("a.", 128)} {
		_, err := Resolver{Conf: file(t, "")}.Lookup(context.Background(), network.IPv4, host)
		if err == nil || !strings.Contains(err.Error(), "is no host name") {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func FuzzAnswersDoNoHarm(f *testing.F) {
	question, err := ask("host.example", network.IPv4)
	if err != nil {
		f.Fatal(err)
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{question}}
	for _, answer := range []reply{honest(nil, address("host.example.", "192.0.2.1")), honest(code(dnsmessage.RCodeNameError)),
		honest(nil, alias("host.example.", "a.b."), address("a.b.", "192.0.2.1"))} {
		packet := answer(m)[0]
		f.Add(packet)
		f.Add(packet[:len(packet)-3])
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		addrs, err := parse(packet, 7, question)
		if (err == nil) != (len(addrs) > 0) || len(addrs) > maxRecords {
			t.Errorf("%v, %v", addrs, err)
		}
	})
}
