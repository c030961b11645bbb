package main

import "time"

// ask begins a round that is due, and asks the targets whose turn it is.
func (t *tracker) ask() error {
	now := time.Now()
	if t.machine.paused() || t.blind {
		return nil
	}
	if len(t.running) < maxLanes && !now.Before(t.next) {
		t.beginRound(now)
	}
	for _, lane := range t.running {
		for target, timeout, ok := lane.round.next(now); ok; target, timeout, ok = lane.round.next(now) {
			lane.ask(target, question{t.link.path, t.machine.tracking, t.names[target], timeout}, t.open)
		}
	}
	return nil
}

// beginRound puts a round on a free lane. While it stays without answers, the next one begins before it is over: only on
// the way to offline, where it counts.
func (t *tracker) beginRound(now time.Time) {
	tracking := t.machine.tracking
	lane := t.freeLane()
	lane.round = newRound(now, len(tracking.Targets), tracking.Reliability, t.machine.timeout())
	t.running = append(t.running, lane)
	t.next = now.Add(time.Hour)
	if t.machine.failing() {
		t.next = lane.round.successor(tracking.FailureInterval, t.span(lane.round))
	}
}

func (t *tracker) freeLane() *lane {
	for _, lane := range t.lanes {
		if lane.round == nil {
			return lane
		}
	}
	lane := newLane(len(t.machine.tracking.Targets), t.outcomes)
	t.lanes = append(t.lanes, lane)
	return lane
}

// span is how long a round lasts in which nobody answers.
func (t *tracker) span(r *round) time.Duration {
	return r.timeout + time.Duration(t.machine.tracking.Count-1)*probePause
}

// take takes in what a target said, unless its round is over.
func (t *tracker) take(o outcome) {
	up := false
	if !o.lane.over {
		up = t.machine.judge(o.target, o.result)
	}
	o.lane.round.take(o.target, up, o.result)
	if o.lane.over {
		o.lane.round.answers[o.target] = answer{} // it was not waited for
	}
}

// judge has the machine take in the rounds that are over, the older first.
func (t *tracker) judge() error {
	for len(t.running) > 0 && t.running[0].round.over() {
		lane := t.running[0]
		round := lane.round
		good := round.good()
		t.end(lane)
		t.running = t.running[1:]
		if err := t.do(t.machine.finish(time.Now(), round.answers)); err != nil {
			return err
		}
		if len(t.running) == 0 {
			t.pauseAfter(round, good)
		}
		if t.unapplied {
			if err := t.agree(); err != nil {
				return err
			}
		}
		if !good {
			t.lookSoon(lookPause)
		}
	}
	return nil
}

// pauseAfter says when the next round begins: a pause after the end of a good one, as upstream does it, and a pause after
// the beginning of one in which nobody answered.
func (t *tracker) pauseAfter(r *round, good bool) {
	if good {
		t.next = time.Now().Add(t.machine.pause)
	} else {
		t.next = r.successor(t.machine.pause, t.span(r))
	}
}

// abandon forgets the rounds under way: they say nothing about the interface as it is now.
func (t *tracker) abandon() {
	for _, lane := range t.running {
		t.end(lane)
	}
	t.running = nil
}

// end interrupts what a lane's round still waits for, and frees the lane.
func (t *tracker) end(lane *lane) {
	lane.over = true
	if lane.round.open > 0 {
		lane.interrupt()
	}
	for lane.round.open > 0 {
		t.take(<-t.outcomes)
	}
	lane.round, lane.over = nil, false
}

// closeLanes ends all goroutines that wait for targets.
func (t *tracker) closeLanes() {
	t.abandon()
	for _, lane := range t.lanes {
		lane.stop()
	}
	t.lanes = nil
}
