//go:build go1.25

package main

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mwan3/health"
	"mwan3/hotplug"
)

// stubborn is a bench whose configurator can fail and whose policies follow what it carries out, be it told by the tracker
// or by hotplug-call.
type stubborn struct {
	*bench
	failing bool
}

func (s *stubborn) Apply(e hotplug.Event) error {
	s.publish()
	if s.failing {
		s.note("apply %s fails", e.Action)
		return errors.New("busy")
	}
	s.note("apply %s", e.Action)
	return s.carryOut(e)
}

func (s *stubborn) carryOut(e hotplug.Event) error {
	state := health.Offline
	if e.Action == hotplug.Connected {
		state = health.Online
	}
	return s.store.SetState("wan", state)
}

func (s *stubborn) Call(e hotplug.Event) error {
	time.Sleep(s.busy)
	s.publish()
	verdict := e.Action == hotplug.Connected && !e.First || e.Action == hotplug.Disconnected
	if verdict && !e.Applied && !s.failing {
		return s.carryOut(e)
	}
	return nil
}

func (s *stubborn) begin() {
	t := &tracker{eyes: s, voice: s, log: s, store: s.store, signals: s.signals, open: s.open, lookup: s.lookup,
		uptime: func() int { return 1000 }}
	go func() { s.ended <- t.run(s.settings) }()
	synctest.Wait()
}

func newStubborn(t *testing.T) *stubborn {
	s := &stubborn{bench: newBench(t, section(3, 1, "192.0.2.7"))}
	if err := s.store.SetState("wan", health.Online); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAVerdictThatCouldNotBeAppliedIsNotForgottenOnTheWayBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStubborn(t)
		s.begin()
		s.failing, s.answer = true, lost
		s.after(10 * time.Second) // offline; neither try works
		s.answer = answered
		s.after(4 * time.Second) // one good round: connecting
		s.failing, s.answer = false, lost
		s.after(time.Hour)
		if got := s.store.State("wan"); got != health.Offline {
			t.Errorf("STATUS is %s after an hour without an answer, policies have it %s", s.file("STATUS"), got)
		}
		s.stop()
	})
}

func TestARecoveryThatCouldNotBeAppliedIsNotForgottenOnTheWayDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStubborn(t)
		s.settings.section.Tracking.Down = 3
		s.answer = lost
		s.begin()
		s.after(time.Minute) // offline
		s.failing, s.answer = true, answered
		for s.file("STATUS") != "online" {
			s.after(time.Second)
		}
		s.answer = lost
		for s.file("STATUS") != "disconnecting" {
			s.after(time.Second)
		}
		s.failing, s.answer = false, answered
		s.after(time.Hour)
		if got := s.store.State("wan"); got != health.Online {
			t.Errorf("STATUS is %s after an hour of answers, policies have it %s", s.file("STATUS"), got)
		}
		s.stop()
	})
}

func TestAVerdictThatCouldNotBeAppliedDoesNotComeBackLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStubborn(t)
		s.busy = 2 * time.Minute // a script
		s.begin()
		s.failing, s.answer = true, lost
		s.after(10 * time.Second) // offline
		s.failing = false
		s.after(10 * time.Second)
		s.answer = answered
		s.after(time.Hour)
		if got := s.store.State("wan"); got != health.Online || s.file("STATUS") != "online" {
			t.Errorf("STATUS is %s after an hour of answers, policies have it %s", s.file("STATUS"), got)
		}
		s.stop()
	})
}

func TestAnIfdownAfterAnIfupWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(3, 1, "192.0.2.7"))
		b.start()
		b.applying = 5 * time.Second // waits for the lock that the configurator's runs below hold
		b.answer = lost
		b.after(12 * time.Second)
		b.signal(syscall.SIGUSR2) // mwan3 ifup wan
		b.after(time.Second)
		if err := b.store.SetState("wan", health.Down); err != nil {
			t.Fatal(err)
		}
		b.signal(syscall.SIGUSR1) // mwan3 ifdown wan
		b.answer = answered
		b.after(time.Minute)
		if got := b.file("STATUS") + " " + b.file("STARTED"); got != "disabled 0" {
			t.Errorf("mwan3 ifdown was the last order, STATUS and STARTED are %s", got)
		}
		b.stop()
	})
}
