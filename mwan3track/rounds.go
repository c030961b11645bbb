package main

import (
	"time"

	"mwan3/syslog"
)

// ask asks the targets whose turn it is, each round on a lane of its own. While the network cannot be looked at the way
// that was seen last has to do.
func (t *tracker) ask() error {
	now := time.Now()
	if t.machine.paused() || now.Before(t.sight.hold) {
		return nil
	}
	for i, ok := t.schedule.ask(now); ok; i, ok = t.schedule.ask(now) {
		t.laneOf(i.round).ask(question{i, t.link.path, t.link.index, t.machine.tracking, t.names[i.target]}, t.open)
	}
	return nil
}

// laneOf returns the lane that a round is on, or puts it on one.
func (t *tracker) laneOf(r *round) *lane {
	for _, lane := range t.lanes {
		if lane.round == r {
			return lane
		}
	}
	lane := t.freeLane()
	lane.round = r
	return lane
}

func (t *tracker) freeLane() *lane {
	for _, lane := range t.lanes {
		if lane.round == nil || lane.round.ended && lane.open == 0 {
			return lane
		}
	}
	lane := newLane(len(t.machine.tracking.Targets), t.outcomes)
	t.lanes = append(t.lanes, lane)
	return lane
}

// take takes in what a target said. Why a probe failed that its round has not waited for is logged here, as the machine is
// not told.
func (t *tracker) take(o outcome) {
	o.lane.open--
	t.schedule.take(o.inquiry, o.result)
	if r := o.round; r.ended && !r.closed && o.result.Err != nil && t.machine.failing() {
		t.logf(syslog.Info, "Interface %s (%s): %s", t.machine.name, t.machine.device, o.result.Err)
	}
}

// hear takes in what targets have said while the tracker was busy: it must not be taken for missing when time is over.
func (t *tracker) hear() {
	for {
		select {
		case o := <-t.outcomes:
			t.take(o)
		default:
			return
		}
	}
}

// judge has the machine take in the rounds that are over, the older first.
func (t *tracker) judge() error {
	t.hear()
	for round := t.schedule.ended(time.Now()); round != nil; round = t.schedule.ended(time.Now()) {
		t.hangUp()
		if err := t.do(t.machine.finish(time.Now(), round.answers)); err != nil {
			return err
		}
		t.schedule.rest(time.Now(), round)
		t.hear()
		if t.unapplied {
			if err := t.agree(); err != nil {
				return err
			}
		}
		if !round.good() {
			t.lookSoon(lookPause)
		}
	}
	return nil
}

// abandon forgets the rounds under way.
func (t *tracker) abandon() {
	t.schedule.abandon()
	for _, lane := range t.lanes {
		if lane.round != nil {
			lane.round.closed = true
		}
	}
	t.hangUp()
}

// hangUp interrupts what rounds still wait for that are closed, and frees their lanes.
func (t *tracker) hangUp() {
	for _, lane := range t.lanes {
		if lane.round == nil || !lane.round.closed {
			continue
		}
		if lane.open > 0 {
			lane.interrupt()
		}
		for lane.open > 0 {
			t.take(<-t.outcomes)
		}
		t.schedule.spare, lane.round = lane.round, nil
	}
}

// closeLanes ends all goroutines that wait for targets.
func (t *tracker) closeLanes() {
	t.abandon()
	for _, lane := range t.lanes {
		lane.stop()
	}
	t.lanes = nil
}
