package main

import (
	"slices"
	"strings"
	"time"

	"mwan3/config"
	"mwan3/hotplug"
	"mwan3track/probe"
)

// tally is what an interface went through.
type tally struct {
	verdicts int           // disconnected
	offline  time.Duration // until it was connected again
	packets  int
}

// simulation is a tracker's schedule and machine, as they are, in some weather. Nothing else of the tracker has anything
// to do with time.
type simulation struct {
	world    world
	machine  *machine
	schedule schedule
	flying   []flying
	now      time.Duration
	since    time.Duration // when it went offline
	tally    tally
}

// flying is a question without an outcome yet.
type flying struct {
	inquiry
	until  time.Duration
	result probe.Result
}

// simulate tracks an interface for a time.
func simulate(s config.Interface, w world, length time.Duration) tally {
	sim := newSimulation(s, w)
	for sim.now < length {
		sim.step()
	}
	if sim.machine.status == "offline" || sim.machine.status == "connecting" {
		sim.tally.offline += length - sim.since
	}
	return sim.tally
}

func newSimulation(s config.Interface, w world) *simulation {
	sim := &simulation{world: w, machine: newMachine(s)}
	sim.schedule = schedule{machine: sim.machine, next: sim.time()}
	sim.watch(sim.machine.connect("eth0"))
	return sim
}

func (s *simulation) time() time.Time { return time.Unix(0, int64(s.now)) }

// step does what is due, as the tracker does, and goes to when there is more to do.
func (s *simulation) step() {
	s.land()
	now := s.time()
	for r := s.schedule.ended(now); r != nil; r = s.schedule.ended(now) {
		s.watch(s.machine.finish(now, r.answers))
		s.schedule.rest(now, r)
	}
	for i, ok := s.schedule.ask(now); ok; i, ok = s.schedule.ask(now) {
		s.send(i)
	}
	s.flying = slices.DeleteFunc(s.flying, func(f flying) bool { return f.round.closed })
	next := time.Duration(s.schedule.wake(now).UnixNano())
	for _, f := range s.flying {
		next = min(next, f.until)
	}
	s.now = next
}

// land takes in the outcomes that there are by now.
func (s *simulation) land() {
	for i := 0; i < len(s.flying); {
		f := s.flying[i]
		if f.until > s.now {
			i++
			continue
		}
		s.flying = slices.Delete(s.flying, i, i+1)
		s.schedule.take(f.inquiry, f.result)
	}
}

func (s *simulation) send(i inquiry) {
	s.tally.packets++
	f := flying{i, s.now + i.timeout, lost}
	if trip, ok := s.world.ask(s.now, i.target); ok && trip <= i.timeout {
		f.until, f.result = s.now+trip, probe.Result{OK: true, Latency: trip}
	}
	s.flying = append(s.flying, f)
}

// watch counts verdicts.
func (s *simulation) watch(actions []action) {
	for _, a := range actions {
		event, ok := a.(announce)
		switch {
		case ok && event.Action == hotplug.Disconnected:
			s.tally.verdicts++
			s.since = s.now
		case ok && event.Action == hotplug.Connected && !event.First:
			s.tally.offline += s.now - s.since
		}
	}
}

// simulateUpstream does what upstream does: it asks targets one after the other until enough have answered, each with a
// ping that waits as long as timeout says, and pauses when the round is over. That its programs take time to start is left
// out, and it may use fractions of seconds, as it cannot.
func simulateUpstream(s config.Interface, w world, length time.Duration) tally {
	t := &s.Tracking
	u := &upstream{up: t.Up, down: t.Down, initial: "online"}
	u.ifup()
	var sum tally
	var now, since time.Duration
	for now < length {
		ups := 0
		for i := range t.Targets {
			if ups == t.Reliability {
				break
			}
			sum.packets++
			if trip, ok := w.ask(now, i); ok && trip <= t.Timeout {
				now += trip
				ups++
			} else {
				now += t.Timeout
			}
		}
		u.events = ""
		u.round(ups >= t.Reliability)
		switch {
		case strings.Contains(u.events, "D"):
			sum.verdicts++
			since = now
		case strings.Contains(u.events, "C"):
			sum.offline += now - since
		}
		now += t.Interval // the other intervals are the same
	}
	if u.status == "offline" || u.status == "connecting" {
		sum.offline += length - since
	}
	return sum
}
