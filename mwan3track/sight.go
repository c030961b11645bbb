package main

import (
	"context"
	"time"

	"mwan3/iproute"
	"mwan3/syslog"
)

// Pauses before a look at the network. Addresses change in groups: netifd takes one away and sets another. After rounds
// that fail nothing may have changed at all, and looks cost the router something.
const (
	settlePause = 20 * time.Millisecond
	lookPause   = 5 * time.Second
)

// holdTime is for how long nobody is asked when the device has lost an address, unless a look ends that before. What would
// be asked from the address that is gone can only fail.
const holdTime = 500 * time.Millisecond

// sight is what the tracker knows of its looks at the network, which another goroutine does.
type sight struct {
	ctx     context.Context // of the tracker
	seen    chan seen
	number  int       // of the last look that was begun; older ones do not count
	looking bool      // it is under way
	at      time.Time // when the last one was begun
	due     time.Time // when another one has to begin; zero: never
	found   *seen     // what the last one saw, until it is taken in
	hold    time.Time // until when nobody is asked
	dead    int       // the device that cannot send, as the kernel said last; 0: none
}

type seen struct {
	number int
	link   link
	err    error
}

// watch begins to listen to the kernel. Without that, changes are noticed by failing rounds.
func (t *tracker) watch(ctx context.Context) {
	t.sight.ctx, t.sight.seen, t.reading.done = ctx, make(chan seen), make(chan fresh)
	events, err := t.eyes.Watch(ctx)
	if err != nil {
		t.logf(syslog.Warning, "cannot see devices change: %s", err)
		return
	}
	t.events = events
}

// noteEvent makes the tracker look when something about its device has changed. A device that cannot send any more is
// noted at once.
func (t *tracker) noteEvent(event iproute.Event, ok bool) {
	ours := event.Index == t.link.index
	switch {
	case !ok:
		t.events = nil
	case event.Kind == iproute.Overrun:
		t.sight.dead = 0
		t.lookSoon(settlePause)
	case event.Kind == iproute.LinkChange && ours && !event.Running:
		t.link.index, t.sight.dead = 0, event.Index
		t.pending.lost = true
	case event.Kind == iproute.LinkChange && event.Index == t.sight.dead && !event.Running:
	case event.Kind == iproute.LinkChange && (ours || t.link.index == 0),
		event.Kind == iproute.AddrChange && (ours || t.link.index == 0) && event.Family == t.link.path.Family:
		if event.Kind == iproute.LinkChange && event.Index == t.sight.dead {
			t.sight.dead = 0
		}
		if event.Gone && event.Kind == iproute.AddrChange {
			t.sight.hold = time.Now().Add(holdTime)
		}
		t.lookSoon(settlePause)
	}
}

// lookSoon has the network looked at after a pause, or sooner if that is intended already.
func (t *tracker) lookSoon(pause time.Duration) {
	at := time.Now().Add(pause)
	if pause == lookPause {
		at = t.sight.at.Add(pause)
	}
	if t.sight.due.IsZero() || at.Before(t.sight.due) {
		t.sight.due = at
	}
}

// lookAgain takes in what a look has seen, and begins one that is due.
func (t *tracker) lookAgain() error {
	if found := t.sight.found; found != nil {
		t.sight.found = nil
		if found.number == t.sight.number {
			t.sight.looking = false
			if t.sight.due.IsZero() { // else what was seen may be from before
				t.sight.hold = time.Time{}
			}
			if err := t.see(found.link, found.err); err != nil {
				return err
			}
		}
	}
	if t.sight.due.IsZero() || t.sight.looking || time.Now().Before(t.sight.due) {
		return nil
	}
	if t.blind {
		return t.connect()
	}
	if !t.machine.paused() {
		t.look()
	} else {
		t.sight.due = time.Time{}
	}
	return nil
}

// look begins a look.
func (t *tracker) look() {
	t.sight.number++
	t.sight.looking, t.sight.at, t.sight.due = true, time.Now(), time.Time{}
	number, ctx, s := t.sight.number, t.sight.ctx, t.settings
	go func() {
		found, err := t.eyes.Look(ctx, s)
		select {
		case t.sight.seen <- seen{number, found, err}:
		case <-ctx.Done():
		}
	}()
}

// see compares what is there with what was. An interface that changed its address or its device without an ifup goes on
// with the new one: no round fails because of that.
func (t *tracker) see(found link, err error) error {
	before := t.link
	dead := found.index != 0 && found.index == t.sight.dead
	switch {
	case t.machine.paused():
		return nil
	case err != nil:
		t.lookSoon(lookPause)
		return nil
	case !found.up:
		return t.cut("it is not up any more")
	case before.path.Source.IsValid() && !found.path.Source.IsValid():
		return t.cut("it has lost its address")
	case found.path != before.path:
		t.logf(syslog.Info, "Interface %s (%s) is tracked from %s now", t.machine.name, found.path.Device, found.path.Source)
		t.abandon()
	case before.index != 0 || dead:
		t.use(found) // its next hop may be another one
		return nil
	}
	t.use(found)
	t.machine.device = found.path.Device
	t.schedule.next = time.Now()
	return nil
}

// cut takes in that the interface cannot work, without waiting for rounds to fail.
func (t *tracker) cut(why string) error {
	t.link.index = 0
	t.abandon()
	err := t.do(t.machine.cut(why))
	t.schedule.next = time.Now().Add(t.machine.tracking.Interval)
	return err
}

// lookNow looks and waits for what is seen. The error is errStopped when a signal does not let it wait.
func (t *tracker) lookNow() (found link, err error) {
	t.sight.number++ // what an earlier look sees does not count
	t.sight.looking, t.sight.at, t.sight.due, t.sight.hold = false, time.Now(), time.Time{}, time.Time{}
	s := t.settings
	stopped := t.await(func() { found, err = t.eyes.Look(t.sight.ctx, s) })
	if stopped != nil {
		return link{}, stopped
	}
	return found, err
}
