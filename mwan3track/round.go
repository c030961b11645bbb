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
	began   time.Time
	timeout time.Duration // that a target has which is asked at the beginning; spares have what is left of it
	need    int           // targets that have to answer
	answers []answer      // by target
	asked   int           // targets so far; the next one is the first that was not
	open    int           // asked, and nothing is known yet
	failed  int
	ups     int
}

func newRound(began time.Time, targets, need int, timeout time.Duration) *round {
	return &round{began: began, timeout: timeout, need: need, answers: make([]answer, targets)}
}

// next returns a target to ask now and how long it has for its answer, if there is one.
func (r *round) next(now time.Time) (target int, timeout time.Duration, ok bool) {
	if r.over() || r.asked == len(r.answers) || r.asked >= r.need+r.failed+r.late(now) {
		return 0, 0, false
	}
	target = r.asked
	r.asked++
	r.open++
	r.answers[target].asked = true
	return target, max(r.timeout-now.Sub(r.began), r.timeout/4), true
}

// take takes in what a target said.
func (r *round) take(target int, up bool, result probe.Result) {
	r.open--
	r.answers[target].up, r.answers[target].result = up, result
	if up {
		r.ups++
	} else {
		r.failed++
	}
}

// over tells whether enough targets have answered, or all have been asked and nothing more can come.
func (r *round) over() bool {
	return r.ups >= r.need || r.open == 0 && r.asked == len(r.answers)
}

// good tells whether enough targets have answered.
func (r *round) good() bool { return r.ups >= r.need }

// late returns how many spares are due because answers are missing.
func (r *round) late(now time.Time) int {
	n := 0
	for n < r.spares() && !now.Before(r.spareDue(n)) {
		n++
	}
	return n
}

func (r *round) spares() int { return max(len(r.answers)-r.need, 0) }

// spareDue is when the nth spare is asked for a late answer. They come evenly in the second quarter of the timeout: an
// answer in the first quarter is as good as any, and the last spare has half of the timeout left.
func (r *round) spareDue(n int) time.Time {
	quarter := r.timeout / 4
	return r.began.Add(quarter + quarter*time.Duration(n+1)/time.Duration(r.spares()))
}

// wake is when next may have another target, if nothing is heard until then; zero if only answers are waited for.
func (r *round) wake(now time.Time) time.Time {
	late := r.late(now)
	if r.over() || r.asked == len(r.answers) || late == r.spares() {
		return time.Time{}
	}
	return r.spareDue(late)
}

// successor is the earliest time for another round while this one is not over, or after it has failed. Three quarters
// of the time for an answer have passed then: the last one is left to the overlap, because what comes at all has mostly
// come, and an uplink that dies is noticed sooner.
func (r *round) successor(pause, span time.Duration) time.Time {
	return r.began.Add(max(pause, span*3/4))
}
