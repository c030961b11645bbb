package iproute

import (
	"context"
	"testing"
	"time"

	"mwan3/network"
)

// next waits for the event.
func next(t *testing.T, events <-chan Event, want Event) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	var seen []Event
	for {
		select {
		case event, ok := <-events:
			if event == want {
				return
			}
			if seen = append(seen, event); !ok {
				t.Fatalf("the channel is closed; want %+v, got %+v", want, seen)
			}
		case <-deadline:
			t.Fatalf("want %+v, got %+v", want, seen)
		}
	}
}

func TestWatchReportsEveryKindOfChange(t *testing.T) {
	newNamespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := Watch(ctx)
	succeed(t, err)
	wan0 := index(t, "wan0")
	tests := []struct {
		command string
		want    Event
	}{
		{"route add default via 192.0.2.9 table 300", Event{Kind: RouteChange, Table: 300, Index: wan0}},
		{"route del default table 300", Event{Kind: RouteChange, Gone: true, Table: 300, Index: wan0}},
		{"-6 route add 2001:db8:a::/64 dev wan0", Event{Kind: RouteChange, Family: network.IPv6, Table: network.TableMain, Index: wan0}},
		{"-6 route del 2001:db8:a::/64 dev wan0", Event{Kind: RouteChange, Gone: true, Family: network.IPv6, Table: network.TableMain, Index: wan0}},
		{"rule add pref 9 fwmark 1 lookup 7", Event{Kind: RuleChange, Table: 7}},
		{"-6 rule add pref 9 fwmark 1 unreachable", Event{Kind: RuleChange, Family: network.IPv6}},
		{"-6 rule del pref 9", Event{Kind: RuleChange, Gone: true, Family: network.IPv6}},
		{"addr add 192.0.2.77/24 dev wan0", Event{Kind: AddrChange, Index: wan0}},
		{"addr del 192.0.2.77/24 dev wan0", Event{Kind: AddrChange, Gone: true, Index: wan0}},
		{"-6 addr add 2001:db8:1::77/64 dev wan0 nodad", Event{Kind: AddrChange, Family: network.IPv6, Index: wan0}},
		{"link set wan0 mtu 1400", Event{Kind: LinkChange, Index: wan0, Running: true}},
		{"link set wan0 down", Event{Kind: LinkChange, Index: wan0}},
		{"link del wan0", Event{Kind: LinkChange, Gone: true, Index: wan0}},
	}
	for _, test := range tests {
		done := make(chan struct{})
		go func() { // the namespace is the test's thread's: only the waiting happens elsewhere
			defer close(done)
			next(t, events, test.want)
		}()
		ip(t, test.command)
		<-done
	}
	cancel()
	expectClosed(t, events)
}

func TestWatchLinksLeavesRoutesAndRulesOut(t *testing.T) {
	newNamespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := WatchLinks(ctx)
	succeed(t, err)
	wan0 := index(t, "wan0")
	ip(t, "route add default via 192.0.2.9 table 300")
	ip(t, "rule add pref 9 fwmark 1 lookup 7")
	ip(t, "addr add 192.0.2.77/24 dev wan0")
	ip(t, "link set wan0 down")
	for last := false; !last; {
		event := <-events
		if event.Kind != LinkChange && event.Kind != AddrChange {
			t.Errorf("got %+v", event)
		}
		last = event == Event{Kind: LinkChange, Index: wan0}
	}
}

// expectClosed drains the channel until it is closed.
func expectClosed(t *testing.T, events <-chan Event) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-deadline:
			t.Fatal("the channel stays open")
		}
	}
}

func TestAReaderWhoIsTooSlowGetsAnOverrunAndThenGoesOn(t *testing.T) {
	newNamespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := watch(ctx, 1, allGroups())
	succeed(t, err)
	h := open(t)
	var many []network.Route
	for i := range 200 {
		r := via("10.0.0.0/8", "192.0.2.2", "wan0")
		r.Metric = uint32(i + 1)
		many = append(many, r)
	}
	succeed(t, h.EditRoutes(many, nil))
	next(t, events, Event{Kind: Overrun})
	last := with(many[0], func(r *network.Route) { r.Table = 77 })
	want := Event{Kind: RouteChange, Table: 77, Index: index(t, "wan0")}
	marked := func() bool { // not at once: addresses settle and overrun the small queue once more, which may take the mark with it
		succeed(t, h.EditRoutes(nil, []network.Route{last}))
		succeed(t, h.EditRoutes([]network.Route{last}, nil))
		return sees(events, want)
	}
	for tries := 1; !marked(); tries++ {
		if tries == 20 {
			t.Fatalf("want %+v after an overrun, seen nothing of it %d times", want, tries)
		}
	}
}

// sees tells whether the event comes within a while.
func sees(events <-chan Event, want Event) bool {
	patience := time.After(500 * time.Millisecond)
	for {
		select {
		case event := <-events:
			if event == want {
				return true
			}
		case <-patience:
			return false
		}
	}
}

func TestWatchEndsWhileNobodyReads(t *testing.T) {
	newNamespace(t)
	ctx, cancel := context.WithCancel(context.Background())
	events, err := Watch(ctx)
	succeed(t, err)
	ip(t, "rule add pref 9 fwmark 1 lookup 7")
	cancel()
	expectClosed(t, events)
}

func TestWhatCannotBeReadCountsAsAnOverrun(t *testing.T) {
	for typ := range uint16(100) {
		event, ok := decodeEvent(message{typ: typ, body: []byte{2}})
		if ok && event != (Event{Kind: Overrun}) {
			t.Errorf("type %d: %+v", typ, event)
		}
	}
}
