package main

import (
	"time"

	"mwan3track/probe"
)

// probePause is the time between two requests to the same target, in methods that send several (contracts 6.6).
const probePause = time.Second

// round asks the targets of an interface, in the order of the config, until enough of them have answered (contracts 6.3):
// as many at once as have to answer, and a spare for each that has failed or is late. While all is well it asks no more
// than upstream does, which asks one after the other. It is pure: what happened goes in, what to do comes out.
type round struct {
	began    time.Time
	timeout  time.Duration // that a target has which is asked at the beginning; spares have what is left of it
	deadline time.Time     // when the round is over whatever is still open; zero: outcomes say so
	sending  time.Duration // that a method takes before it can have all answers
	need     int           // targets that have to answer
	stubborn bool          // targets that are late are asked again
	answers  []answer      // by target
	asked    int           // targets so far; the next one is the first that was not
	open     int           // questions without an outcome
	failed   int           // targets
	ups      int           // targets
	ended    bool          // it counts no more
	closed   bool          // what comes of it means nothing
}

// renew makes a new round of one that nobody needs any more.
func (r *round) renew(began time.Time, targets, need int, timeout time.Duration) *round {
	answers := r.answers
	if len(answers) != targets {
		answers = make([]answer, targets)
	}
	clear(answers)
	*r = round{began: began, timeout: timeout, need: need, answers: answers}
	return r
}

// next returns a target to ask now and how long it has for its answer, if there is one.
func (r *round) next(now time.Time) (target int, timeout time.Duration, ok bool) {
	switch {
	case r.over(now):
		return 0, 0, false
	case r.asked < len(r.answers) && r.asked < r.need+r.failed+r.late(now):
		target = r.asked
		r.asked++
	default:
		if target = r.silent(r.turn(now)); target < 0 {
			return 0, 0, false
		}
	}
	a := &r.answers[target]
	a.asked, a.turn = true, r.turn(now)
	a.open++
	r.open++
	return target, max(r.timeout-now.Sub(r.began), r.timeout/4), true
}

// silent returns a target that owes an answer and was asked last before this turn; -1 if there is none.
func (r *round) silent(turn int) int {
	for i, a := range r.answers {
		if a.open > 0 && !a.up && a.turn < turn {
			return i
		}
	}
	return -1
}

// turns is how often a target may be asked in a round.
const turns = 3

// turn counts how often targets are asked again: after half of the timeout, and after seven eighths. In between another
// round begins to ask them.
func (r *round) turn(now time.Time) int {
	n := 0
	for r.stubborn && n < turns-1 && !now.Before(r.turnDue(n)) {
		n++
	}
	return n
}

func (r *round) turnDue(n int) time.Time { return r.began.Add(r.timeout / 8 * time.Duration(4+3*n)) }

// take takes in what came of a question to a target.
func (r *round) take(target int, up bool, result probe.Result) {
	a := &r.answers[target]
	r.open--
	a.open--
	switch {
	case a.up:
	case up:
		r.hear(target, result)
	case a.open == 0:
		a.result = result
		r.failed++
	}
}

// hear takes in that a target has answered, be it to another round.
func (r *round) hear(target int, result probe.Result) {
	a := &r.answers[target]
	if a.asked && !a.up {
		a.up, a.result = true, result
		r.ups++
	}
}

// over tells whether enough targets have answered, or nothing more can come.
func (r *round) over(now time.Time) bool {
	return r.good() || r.open == 0 && r.asked == len(r.answers) || !r.deadline.IsZero() && !now.Before(r.deadline)
}

// good tells whether enough targets have answered.
func (r *round) good() bool { return r.ups >= r.need }

// end makes the round count: what is open is lost or, where enough others have answered, as if it was never asked.
func (r *round) end() {
	r.ended = true
	if !r.good() {
		return
	}
	r.closed = true
	for i, a := range r.answers {
		if a.open > 0 && !a.up {
			r.answers[i] = answer{}
		}
	}
}

// late returns how many spares are due because answers are missing.
func (r *round) late(now time.Time) int {
	n := 0
	for n < r.spares() && !now.Before(r.spareDue(n)) {
		n++
	}
	return n
}

func (r *round) spares() int {
	return max(len(r.answers)-r.need, 0)
}

// spareDue is when the nth spare is asked for a late answer. They come evenly in the second quarter of the timeout: an
// answer in the first quarter is as good as any, and the last spare has half of the timeout left.
func (r *round) spareDue(n int) time.Time {
	quarter := r.timeout / 4
	return r.began.Add(r.sending + quarter + quarter*time.Duration(n+1)/time.Duration(r.spares()))
}

// wake is when the round may be over or have another target to ask, if nothing is heard until then; zero if only
// outcomes are waited for.
func (r *round) wake(now time.Time) time.Time {
	late, turn := r.late(now), r.turn(now)
	switch {
	case r.over(now):
		return time.Time{}
	case r.asked < len(r.answers) && late < r.spares():
		return r.spareDue(late) // which is before the next turn
	case r.stubborn && turn < turns-1:
		return r.turnDue(turn)
	}
	return r.deadline
}

// successor is the earliest time for another round while this one is not over, or after it has failed. Three quarters
// of the time for an answer have passed then: the last one is left to the overlap, because what comes at all has mostly
// come, and an uplink that dies is noticed sooner.
func (r *round) successor(pause, span time.Duration) time.Time {
	return r.began.Add(max(pause, span*3/4))
}
