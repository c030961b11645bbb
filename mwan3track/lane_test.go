//go:build go1.25

package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3track/probe"
)

func TestASocketOfADeviceThatIsGoneIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 1, "192.0.2.7"))
		b.start()
		b.after(time.Second)
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7, Gone: true})
		b.signal(syscall.SIGUSR1)
		b.found.index = 9 // pppoe dials again and gets the same address
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 9, Running: true})
		b.signal(syscall.SIGUSR2)
		b.after(time.Second)
		if len(b.opened) != 2 {
			t.Errorf("sockets were opened %d times: probes leave by one that is bound to index 7", len(b.opened))
		}
		b.stop()
	})
}

func TestANewIPv6AddressIsNotTakenForADeadUplink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 1, "2001:db8::7"))
		b.found.path.Family, b.found.path.Source = network.IPv6, netip.MustParseAddr("2001:db8:5::1")
		usable := time.Now().Add(1360 * time.Millisecond) // duplicate address detection
		open := func(path probe.Path, tr config.Tracking) (probe.Prober, error) {
			if time.Now().Before(usable) {
				return nil, fmt.Errorf("use source: %w", syscall.EADDRNOTAVAIL)
			}
			return b.open(path, tr)
		}
		tr := &tracker{eyes: b, voice: b, log: b, store: b.store, signals: b.signals, open: open, lookup: b.lookup,
			uptime: func() int { return 1000 }}
		go func() { b.ended <- tr.run(b.settings) }()
		b.after(4 * time.Second)
		if notes := fmt.Sprint(b.notes); strings.Contains(notes, "offline") || strings.Contains(notes, "disconnect") {
			t.Error(notes)
		}
		b.stop()
	})
}

// late answers nothing before a moment, and then what it was asked.
type late struct {
	*bench
	from time.Time
}

func (l late) Probe(ctx context.Context, target probe.Target) probe.Result {
	select {
	case <-ctx.Done():
		return probe.Result{Err: ctx.Err()}
	case <-time.After(target.Timeout):
		return lost
	case <-time.After(time.Until(l.from)):
		return answered
	}
}

func TestAnswersThatCameInTimeCountAfterALongApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := section(3, 1, "192.0.2.7")
		s.Tracking.FailureInterval, s.Tracking.RecoveryInterval, s.Tracking.Interval = time.Second, time.Second, time.Minute
		b := newBench(t, s)
		b.applying = 8 * time.Second // others hold the lock
		l := late{b, time.Now().Add(5500 * time.Millisecond)}
		tr := &tracker{eyes: b, voice: b, log: b, store: b.store, signals: b.signals, lookup: b.lookup,
			open:   func(probe.Path, config.Tracking) (probe.Prober, error) { return l, nil },
			uptime: func() int { return 1000 }}
		go func() { b.ended <- tr.run(b.settings) }()
		b.after(13 * time.Second) // 3: the second round begins; 4: offline, applied until 12; 5.5: it is answered
		if got := b.file("STATUS"); got != "connecting" {
			t.Errorf("after the answer STATUS is %s", got)
		}
		b.stop()
	})
}
