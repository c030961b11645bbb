package main

import (
	"time"

	"mwan3/health"
	"mwan3track/probe"
)

// window keeps the last probes of a target, as many as quality_window says, and the sums that its figures are made of.
type window struct {
	samples []sample // a ring, once it is full
	size    int
	oldest  int

	loss            int // sums over the samples
	trips, changes  time.Duration
	answered, moved int           // samples with a trip, and with a change
	last            time.Duration // the last round trip; unknown before the first
}

// sample is what one probe measured.
type sample struct {
	trip   time.Duration // average round trip; unknown: nothing was answered
	change time.Duration // how much that differs from the one before; unknown: there is none
	loss   int           // percent
}

// unknown is a time that was not measured.
const unknown = time.Duration(-1)

func newWindow(size int) window {
	size = max(size, 1)
	return window{samples: make([]sample, 0, size), size: size, last: unknown}
}

// forget empties the window.
func (w *window) forget() { *w = window{samples: w.samples[:0], size: w.size, last: unknown} }

// add takes in a probe. It goes in place of the oldest one when the window is full.
func (w *window) add(result probe.Result) {
	s := w.measure(result)
	w.sum(s, 1)
	if len(w.samples) < w.size {
		w.samples = append(w.samples, s)
		return
	}
	w.sum(w.samples[w.oldest], -1)
	w.samples[w.oldest] = s
	w.oldest = (w.oldest + 1) % w.size
}

func (w *window) measure(result probe.Result) sample {
	if !heard(result) {
		return sample{trip: unknown, change: unknown, loss: health.DeadLoss}
	}
	s := sample{trip: result.Latency, change: unknown, loss: result.Loss}
	if w.last != unknown {
		s.change = (s.trip - w.last).Abs()
	}
	w.last = s.trip
	return s
}

// sum adds a sample to the sums, or takes it away.
func (w *window) sum(s sample, sign int) {
	w.loss += sign * s.loss
	if s.trip != unknown {
		w.trips += time.Duration(sign) * s.trip
		w.answered += sign
	}
	if s.change != unknown {
		w.changes += time.Duration(sign) * s.change
		w.moved += sign
	}
}

// figures returns those of the probes in the window. Probes that are still to come until it is full count as answered, so
// that the first one that is lost is no loss of everything. Jitter is the mean difference of successive round trips: RFC
// 3550 section 6.4.1, with the window in place of its running mean. The window's first is compared with the one before it,
// so that a window of one has jitter, too.
func (w *window) figures() health.Figures {
	f := health.Figures{Latency: health.DeadLatency, Loss: w.loss / w.size}
	if w.answered > 0 {
		f.Latency = milliseconds(w.trips / time.Duration(w.answered))
	}
	if w.moved > 0 {
		f.Jitter = milliseconds(w.changes / time.Duration(w.moved))
	}
	return f
}

// heard tells whether there was any answer, be it one of several that are needed.
func heard(result probe.Result) bool {
	return result.Loss < health.DeadLoss && (result.OK || result.Latency > 0)
}

func milliseconds(d time.Duration) int { return int(d / time.Millisecond) }
