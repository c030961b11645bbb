package main

import (
	"slices"
	"time"

	"mwan3/health"
	"mwan3track/probe"
)

// maxRounds is how many rounds may be under way at the same time.
const maxRounds = 2

// schedule says when rounds begin and whom they ask, for the machine that judges them. It is pure, as those are: the time
// and what targets say goes in; whom to ask, rounds that have ended and when to come again goes out.
type schedule struct {
	machine *machine
	running []*round  // the older first
	next    time.Time // when another one may begin
	spare   *round    // one that nobody needs any more, for the next to leave no garbage; may be nil
}

// inquiry is one question to a target. What comes of it is for take.
type inquiry struct {
	round   *round
	target  int
	turn    int           // of the round; the target is asked once in each, at most
	timeout time.Duration // the answer may come later than the round waits
}

// ask begins a round that is due, and returns a target whose turn it is now, if there is one.
func (s *schedule) ask(now time.Time) (inquiry, bool) {
	if len(s.running) < maxRounds && !now.Before(s.next) {
		s.begin(now)
	}
	for _, r := range s.running {
		if target, timeout, ok := r.next(now); ok {
			return inquiry{r, target, r.answers[target].turn, timeout + s.patience(r)}, true
		}
	}
	return inquiry{}, false
}

// begin begins a round. On the way to offline, where it counts, targets that are late are asked again, and while the
// round stays without answers the next one begins before it is over.
func (s *schedule) begin(now time.Time) {
	tracking := &s.machine.tracking
	r := s.spare
	if s.spare = nil; r == nil {
		r = new(round)
	}
	r.renew(now, len(tracking.Targets), tracking.Reliability, s.machine.timeout())
	r.sending = s.sending()
	if r.sending == 0 {
		r.deadline = now.Add(r.timeout)
	}
	s.running = append(s.running, r)
	s.next = now.Add(time.Hour)
	if s.machine.failing() {
		r.stubborn = r.sending == 0
		s.next = r.successor(tracking.FailureInterval, s.span(r))
	}
}

// sending is what a method takes that sends several requests to a target.
func (s *schedule) sending() time.Duration {
	return time.Duration(s.machine.tracking.Count-1) * probePause
}

// span is how long a round lasts in which nobody answers.
func (s *schedule) span(r *round) time.Duration { return r.timeout + s.sending() }

// patience is for how long an answer is listened to that comes too late for its round. It is over before there could be a
// third round.
func (s *schedule) patience(r *round) time.Duration {
	if r.deadline.IsZero() {
		return 0
	}
	return r.timeout / 3
}

// take takes in what came of a question. An answer says that the target answers now: it counts for all rounds that wait
// for one of that target, and for those only if its own is over. So a path that answers a little late for a moment, as
// satellites and radio do, is not taken for a dead one.
func (s *schedule) take(i inquiry, result probe.Result) {
	r, up := i.round, false
	switch {
	case r.closed:
		return
	case r.ended:
		up = s.machine.hear(i.target, result)
	default:
		up = s.machine.judge(i.target, result)
		r.take(i.target, up, result)
	}
	if up {
		s.spread(i, result)
	}
}

// spread lets an answer count for the other rounds. Questions that it has overtaken are lost.
func (s *schedule) spread(i inquiry, result probe.Result) {
	if own := i.round.answers[i.target]; own.turn == i.turn && !i.round.ended {
		s.machine.miss(i.target, own.open)
	}
	for _, r := range s.running {
		open := r.answers[i.target].open
		if r == i.round || open == 0 {
			continue
		}
		if r.began.Before(i.round.began) {
			s.machine.miss(i.target, open)
		}
		r.hear(i.target, result)
	}
}

// ended takes the oldest round off the schedule and returns it, if it is over; nil if not. The machine has to finish it,
// and rest comes after that.
func (s *schedule) ended(now time.Time) *round {
	if len(s.running) == 0 || !s.running[0].over(now) {
		return nil
	}
	r := s.running[0]
	s.running = slices.Delete(s.running, 0, 1)
	r.end()
	for i, a := range r.answers {
		if a.open > 0 && !a.up {
			r.answers[i].result = probe.Result{Loss: health.DeadLoss}
			s.machine.miss(i, a.open-1)
			s.machine.judge(i, r.answers[i].result)
		}
	}
	return r
}

// rest says when the next round begins after one that the machine has finished: a pause after its end, as upstream does
// it, or sooner if in vain was waited for answers.
func (s *schedule) rest(now time.Time, r *round) {
	if len(s.running) > 0 {
		return
	}
	s.next = now.Add(s.machine.pause)
	if early := r.successor(s.machine.pause, s.span(r)); !r.good() && early.Before(s.next) {
		s.next = early
	}
}

// abandon forgets the rounds under way: they say nothing about the interface as it is now.
func (s *schedule) abandon() {
	for _, r := range s.running {
		r.closed = true
	}
	s.running = slices.Delete(s.running, 0, len(s.running))
}

// wake is when there is something to do if nothing is heard until then.
func (s *schedule) wake(now time.Time) time.Time {
	wake := now.Add(time.Hour)
	if len(s.running) < maxRounds && s.next.Before(wake) {
		wake = s.next
	}
	for _, r := range s.running {
		if at := r.wake(now); !at.IsZero() && at.Before(wake) {
			wake = at
		}
	}
	return wake
}
