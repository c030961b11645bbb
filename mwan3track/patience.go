package main

import "time"

// roundTrip estimates how long a target takes to answer, as TCP does (RFC 6298 section 2). Zero: nothing was measured.
type roundTrip struct {
	smoothed  time.Duration // SRTT
	variation time.Duration // RTTVAR
}

// measure takes in a round trip: alpha is 1/8, beta 1/4.
func (r *roundTrip) measure(trip time.Duration) {
	if *r == (roundTrip{}) {
		*r = roundTrip{smoothed: trip, variation: trip / 2}
		return
	}
	r.variation += ((r.smoothed - trip).Abs() - r.variation) / 4
	r.smoothed += (trip - r.smoothed) / 8
}

// limit is how long to wait for an answer: RTO, for a clock without granularity.
func (r roundTrip) limit() time.Duration { return r.smoothed + 4*r.variation }

// timeout is how long the next round waits for answers: Timeout or, with timeout_max, as long as the target that is
// slowest at present may need, within those two (RFC 6298 rules 2.4 and 2.5). Each bad round without any answer doubles it
// until there is one (rule 5.5), lest answers that only have become slower are never measured.
func (m *machine) timeout() time.Duration {
	wait, most := m.tracking.Timeout, m.tracking.TimeoutMax
	if most <= wait {
		return wait
	}
	for i := range m.targets {
		wait = max(wait, m.targets[i].trip.limit())
	}
	for n := m.silence; n > 0 && wait < most; n-- {
		wait *= 2
	}
	return min(wait, most)
}
