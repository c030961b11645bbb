//go:build go1.25

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mwan3/iproute"
	"mwan3/network"
)

func TestALookThatIsDueWaitsForTheOneUnderWay(t *testing.T) {
	now := time.Now()
	m := newMachine(section(3, 3, "192.0.2.7"))
	tr := &tracker{machine: m, schedule: schedule{machine: m, next: now.Add(time.Minute)}}
	tr.sight.looking, tr.sight.due = true, now.Add(-time.Second)
	m.started = true
	if !tr.wake().After(time.Now()) {
		t.Error("the loop spins until the look returns")
	}
}

// slow takes its time to look.
type slow struct{ *bench }

func (s slow) Look(ctx context.Context, set settings) (link, error) {
	time.Sleep(3 * time.Second)
	return s.bench.Look(ctx, set)
}

// slowReader takes its time to read the config.
type slowReader struct{ *bench }

func (s slowReader) Settings(ctx context.Context, iface string) (settings, error) {
	time.Sleep(time.Minute)
	return s.bench.Settings(ctx, iface)
}

func TestAReadingDelaysNoVerdictAndTheLastReloadCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(1, 1, "192.0.2.7"))
		s := slowReader{b}
		tr := &tracker{eyes: s, voice: b, log: b, store: b.store, signals: b.signals, open: b.open, lookup: b.lookup,
			uptime: func() int { return 1000 }}
		go func() { b.ended <- tr.run(b.settings) }()
		b.after(time.Second)
		goesBy := func(when string, want bool) {
			t.Helper()
			if got := b.store.GoesBy("wan", os.Getpid(), b.settings.String()); got != want {
				t.Errorf("%s the tracker says that it goes by these settings: %v", when, got)
			}
		}
		goesBy("at first", true)
		b.signal(syscall.SIGHUP)
		b.answer = lost
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7})
		if got := b.file("STATUS"); got != "offline" {
			t.Errorf("STATUS is %s while the config is read", got)
		}
		b.after(30 * time.Second)
		b.signal(syscall.SIGHUP)
		b.notes = nil
		goesBy("while it asks", false)
		b.settings.section = section(1, 1, "192.0.2.9")
		b.after(time.Minute) // the first reading has ended, and does not count
		goesBy("after an answer that does not count", false)
		b.settings.section = section(1, 1, "192.0.2.10")
		b.after(time.Minute)
		goesBy("in the end", true)
		questions := fmt.Sprint(b.questions())
		if strings.Contains(questions, "192.0.2.9") || !strings.Contains(questions, "192.0.2.10") {
			t.Error(questions)
		}
		b.stop()
		b.after(time.Minute)
	})
}

func TestAnIfupWithoutNetifdDoesNotEndTracking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 1, "192.0.2.7"))
		b.start()
		b.after(time.Second)
		b.blind = errors.New("netifd does not answer")
		b.signal(syscall.SIGUSR2)
		b.answer = lost
		b.after(time.Hour)
		if got := b.file("STATUS"); got == "online" {
			t.Errorf("STATUS is %s after an hour without answers; probes: %d", got, strings.Count(fmt.Sprint(b.notes), "probe"))
		}
		b.stop()
	})
}

func TestACarrierThatComesBackWhileNetifdIsBusyCountsAgainWhenLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 1, "192.0.2.7"))
		b.start()
		b.after(time.Second)
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7})
		b.blind = errors.New("netifd does not answer")
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7, Running: true})
		b.after(time.Minute)
		b.blind = nil
		b.after(time.Hour)
		status := b.file("STATUS")
		b.answer = lost
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7})
		if got := b.file("STATUS"); got != "offline" {
			t.Errorf("STATUS was %s, a lost carrier leaves it %s", status, got)
		}
		b.stop()
	})
}

func TestNobodyIsAskedFromAnAddressThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 3, "192.0.2.7"))
		busy := &slowFor{bench: b}
		tr := &tracker{eyes: busy, voice: b, log: b, store: b.store, signals: b.signals, open: b.open, lookup: b.lookup,
			uptime: func() int { return 1000 }}
		go func() { b.ended <- tr.run(b.settings) }()
		b.after(10*time.Second - 100*time.Millisecond)
		b.notes = nil
		busy.pause = 300 * time.Millisecond
		b.found.path.Source = netip.MustParseAddr("192.0.2.99")
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 7, Gone: true, Family: network.IPv4})
		b.after(time.Second)
		b.expect("10.22 log Interface wan (eth0) is tracked from 192.0.2.99 now", "10.22 probe 192.0.2.7")
		b.after(9 * time.Second)
		busy.pause = time.Hour // whatever it does, it does not keep the tracker from asking
		b.after(100 * time.Millisecond)
		b.notes = nil
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 7, Gone: true, Family: network.IPv4})
		b.after(time.Second)
		b.expect("20.5 probe 192.0.2.7")
		b.stop()
		b.after(time.Hour)
	})
}

// slowFor takes some time to look.
type slowFor struct {
	*bench
	pause time.Duration
}

func (s *slowFor) Look(ctx context.Context, set settings) (link, error) {
	s.publish()
	time.Sleep(s.pause)
	return s.bench.Look(ctx, set)
}

func TestALookFromBeforeDoesNotBringADeadCarrierBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 1, "192.0.2.7"))
		s := slow{b}
		tr := &tracker{eyes: s, voice: b, log: b, store: b.store, signals: b.signals, open: b.open, lookup: b.lookup,
			uptime: func() int { return 1000 }}
		go func() { b.ended <- tr.run(b.settings) }()
		b.after(4 * time.Second)
		b.signal(syscall.SIGHUP) // a look begins
		b.after(time.Second)
		b.answer = lost
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7})
		b.after(5 * time.Second)
		b.notes = nil
		b.answer = answered
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7, Running: true})
		b.after(4 * time.Second)
		if len(b.questions()) == 0 {
			t.Error("the carrier is back and nobody asks")
		}
		b.after(10 * time.Second)
		b.stop()
		b.after(10 * time.Second)
	})
}
