package probe

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"mwan3/network"
)

// families are the two paths of the lab and a target for each.
var families = []struct {
	path   Path
	target Target
}{
	{Path{Family: network.IPv4, Device: "up0", Source: source4}, Target{Host: "192.0.2.7", Addr: target4}},
	{Path{Family: network.IPv6, Device: "up0", Source: source6}, Target{Host: "2001:db8::7", Addr: target6}},
}

// quick makes probes that nobody answers end soon; patient leaves a busy machine the time to answer the others.
var (
	quick   = PingOptions{Count: 1, Size: 56, TTL: 60, Timeout: 200 * time.Millisecond}
	patient = PingOptions{Count: 1, Size: 56, TTL: 60, Timeout: 20 * time.Second}
)

func newPing(t *testing.T, path Path, options PingOptions) *Ping {
	t.Helper()
	p, err := NewPing(path, options)
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func TestTargetsThatAnswerAreReached(t *testing.T) {
	newLab(t)
	for _, family := range families {
		for _, size := range []int{0, 1, 7, 8, 56, 1400} {
			options := patient
			options.Size = size
			result := newPing(t, family.path, options).Probe(context.Background(), family.target)
			if !result.OK || result.Latency <= 0 || result.Loss != 0 || result.Err != nil {
				t.Errorf("%s, %d bytes: %+v", family.path.Family, size, result)
			}
		}
	}
}

func TestPacketsThatAreNoAnswersAreIgnored(t *testing.T) {
	l := newLab(t)
	for _, test := range []struct {
		name   string
		answer func([]byte) [][]byte
		want   [2][]Ignored // by family; what the kernel drops for us is missing
	}{
		{"other id", edited(flip(4)), [2][]Ignored{{OtherID}, {OtherID}}},
		{"other sequence", edited(flip(6)), [2][]Ignored{{OtherSequence}, {OtherSequence}}},
		{"other token", edited(flip(8)), [2][]Ignored{{OtherPayload}, {OtherPayload}}},
		{"other payload", edited(flip(40)), [2][]Ignored{{OtherPayload}, {OtherPayload}}},
		{"longer", edited(func(m []byte) []byte { return append(m, 0) }), [2][]Ignored{{OtherPayload}, {OtherPayload}}},
		{"truncated", edited(cut(12)), [2][]Ignored{{TooShort}, {TooShort}}},
		{"header only", edited(cut(8)), [2][]Ignored{{TooShort}, {TooShort}}},
		{"not a reply", edited(set(1, 1)), [2][]Ignored{{NotEchoReply}, {NotEchoReply}}},
		{"bad checksum", func(request []byte) [][]byte {
			packet := echo(request)[0]
			packet[len(packet)-1] ^= 1
			return [][]byte{packet}
		}, [2][]Ignored{{BadChecksum}, nil}},
		{"other source", func(request []byte) [][]byte {
			if request[0]>>4 == 4 {
				return from(netip.MustParseAddr("192.0.2.8"))(request)
			}
			return from(netip.MustParseAddr("2001:db8::8"))(request)
		}, [2][]Ignored{nil, nil}},
		{"silence", silence, [2][]Ignored{nil, nil}},
		{"requests", edited(func(m []byte) []byte { m[0] ^= 8; return m }), [2][]Ignored{nil, nil}},
	} {
		l.behave(test.answer)
		for i, family := range families {
			var got []Ignored
			p := newPing(t, family.path, quick)
			p.Ignored = func(reason Ignored) { got = append(got, reason) }
			result := p.Probe(context.Background(), family.target)
			if result.OK || result.Loss != 100 {
				t.Errorf("%s, %s: %+v", test.name, family.path.Family, result)
			}
			if !reflect.DeepEqual(got, test.want[i]) {
				t.Errorf("%s, %s: ignored %q, want %q", test.name, family.path.Family, got, test.want[i])
			}
		}
	}
}

func TestADuplicateDoesNotStandInForAnotherAnswer(t *testing.T) {
	l := newLab(t)
	for _, family := range families {
		first := true
		l.behave(func(request []byte) [][]byte {
			if !first {
				return nil
			}
			first = false
			return append(echo(request), echo(request)...)
		})
		options := quick
		options.Count = 2
		var got []Ignored
		p := newPing(t, family.path, options)
		p.Ignored = func(reason Ignored) { got = append(got, reason) }
		result := p.Probe(context.Background(), family.target)
		if !result.OK || result.Loss != 50 {
			t.Errorf("%s: %+v", family.path.Family, result)
		}
		if want := []Ignored{Duplicate}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: ignored %q, want %q", family.path.Family, got, want)
		}
	}
}

func TestAnAnswerAmongStrangePacketsIsFound(t *testing.T) {
	l := newLab(t)
	l.behave(func(request []byte) [][]byte {
		var packets [][]byte
		for range 50 {
			packets = append(packets, reply4or6(request, flip(4)))
		}
		return append(packets, echo(request)...)
	})
	for _, family := range families {
		count := 0
		p := newPing(t, family.path, patient)
		p.Ignored = func(Ignored) { count++ }
		if result := p.Probe(context.Background(), family.target); !result.OK || count != 50 {
			t.Errorf("%s: %+v after %d packets", family.path.Family, result, count)
		}
	}
}

func TestLateAnswersDoNotCountForTheNextProbe(t *testing.T) {
	l := newLab(t)
	for _, family := range families {
		var held [][]byte
		l.behave(func(request []byte) [][]byte {
			packets := held
			held = echo(request)
			return packets
		})
		var got []Ignored
		p := newPing(t, family.path, quick)
		p.Ignored = func(reason Ignored) { got = append(got, reason) }
		for range 2 {
			if result := p.Probe(context.Background(), family.target); result.OK {
				t.Errorf("%s: %+v", family.path.Family, result)
			}
		}
		if want := []Ignored{OtherPayload}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: ignored %q, want %q", family.path.Family, got, want)
		}
	}
}

func TestProbesCarryTheMarkOfTheirPath(t *testing.T) {
	l := newLab(t)
	l.rule(0x3f00, 100, syscall.AF_INET)
	l.rule(0x3f00, 100, syscall.AF_INET6)
	for _, source := range []string{"192.0.2.2", "2001:db8::2"} {
		l.route(100, netip.MustParseAddr(source))
	}
	for i, want := range []string{"192.0.2.2", "2001:db8::2"} {
		target := Target{Addr: []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8:1::1")}[i]}
		path := families[i].path
		path.Mark, path.Source = 0x3f00, netip.Addr{}
		sources := make(chan netip.Addr, 1)
		l.behave(func(request []byte) [][]byte {
			sources <- sourceOf(request)
			return echo(request)
		})
		result := newPing(t, path, patient).Probe(context.Background(), target)
		if got := <-sources; !result.OK || got.String() != want {
			t.Errorf("%s: %+v from %s", path.Family, result, got)
		}
	}
}

func TestATargetWithoutARouteFailsAtOnce(t *testing.T) {
	newLab(t)
	options := quick
	options.Timeout = time.Hour
	target := Target{Addr: netip.MustParseAddr("2001:db8:1::1")}
	result := newPing(t, families[1].path, options).Probe(context.Background(), target)
	if want := "reach 2001:db8:1::1: network is unreachable"; result.OK || result.Loss != 100 || result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %+v, want %s", result, want)
	}
}

func TestRequestsHaveTheirTTLSourceAndSize(t *testing.T) {
	l := newLab(t)
	for _, family := range families {
		var mu sync.Mutex
		var request []byte
		l.behave(func(packet []byte) [][]byte {
			mu.Lock()
			defer mu.Unlock()
			request = packet
			return echo(packet)
		})
		options := patient
		options.TTL, options.Size = 17, 100
		newPing(t, family.path, options).Probe(context.Background(), family.target)
		mu.Lock()
		ttl, source, size := request[8], sourceOf(request), len(request)-28
		if family.path.Family == network.IPv6 {
			ttl, size = request[7], len(request)-48
		}
		mu.Unlock()
		if ttl != 17 || source != family.path.Source || size != 100 {
			t.Errorf("%s: TTL %d, source %s, %d bytes", family.path.Family, ttl, source, size)
		}
	}
}

func TestTheEndOfTheContextInterruptsAProbe(t *testing.T) {
	l := newLab(t)
	for _, family := range families {
		ctx, cancel := context.WithCancel(context.Background())
		l.behave(func([]byte) [][]byte {
			cancel()
			return nil
		})
		options := patient
		options.Timeout = time.Hour
		p := newPing(t, family.path, options)
		for range 2 {
			if result := p.Probe(ctx, family.target); !errors.Is(result.Err, context.Canceled) {
				t.Errorf("%s: %+v", family.path.Family, result)
			}
		}
		l.behave(echo)
		if result := p.Probe(context.Background(), family.target); !result.OK {
			t.Errorf("%s: the next probe: %+v", family.path.Family, result)
		}
	}
}

func TestPathsThatAreNotThereAreNamed(t *testing.T) {
	newLab(t)
	for _, test := range []struct {
		path Path
		want string
	}{
		{Path{Family: network.IPv4, Device: "none0"}, "open ICMP socket on none0: bind to device: no such device"},
		{Path{Family: network.IPv6, Device: "none0"}, "open ICMP socket on none0: bind to device: no such device"},
		{Path{Family: network.IPv4, Device: "up0", Source: target4}, "open ICMP socket on up0: use source 192.0.2.7: cannot assign requested address"},
		{Path{Family: network.IPv6, Device: "up0", Source: target6}, "open ICMP socket on up0: use source 2001:db8::7: cannot assign requested address"},
	} {
		_, err := NewPing(test.path, quick)
		if err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	result := newPing(t, families[0].path, quick).Probe(context.Background(), families[1].target)
	if want := "2001:db8::7 is no ipv4 address"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
}
