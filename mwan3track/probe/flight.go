package probe

import "time"

// flight is what is known about the requests of one probe.
type flight struct {
	options  PingOptions
	sequence uint16 // of the first request
	sent     []time.Time
	answered []bool // by request; as long as the count, even if fewer were sent
	answers  int
	total    time.Duration // sum of the round trips
	longest  time.Duration
}

func newFlight(options PingOptions, sequence uint16) flight {
	return flight{
		options:  options,
		sequence: sequence,
		sent:     make([]time.Time, 0, options.Count),
		answered: make([]bool, options.Count),
	}
}

// begin forgets the last probe but its sequence numbers, which are not used again soon.
func (f *flight) begin() {
	f.sequence += uint16(len(f.sent))
	f.sent = f.sent[:0]
	clear(f.answered)
	f.answers, f.total, f.longest = 0, 0, 0
}

// due tells whether the next request has to be sent.
func (f *flight) due(now time.Time) bool {
	if len(f.sent) == f.options.Count {
		return false
	}
	return len(f.sent) == 0 || !now.Before(f.last().Add(pause))
}

// next notes a request and returns its sequence number.
func (f *flight) next(now time.Time) uint16 {
	f.sent = append(f.sent, now)
	return f.sequence + uint16(len(f.sent)-1)
}

func (f *flight) last() time.Time { return f.sent[len(f.sent)-1] }

// until is how long there is nothing to do but to wait for answers: until the next request is due or, after the last
// one, until nothing more is expected.
func (f *flight) until() time.Time {
	switch {
	case len(f.sent) < f.options.Count:
		return f.last().Add(pause)
	case f.answers == 0:
		return f.last().Add(f.options.Timeout)
	}
	return f.last().Add(max(2*f.longest, shortWait))
}

// complete tells whether all requests are sent and answered.
func (f *flight) complete() bool { return f.answers == f.options.Count }

// answer takes in an answer.
func (f *flight) answer(sequence uint16, now time.Time) Ignored {
	i := int(sequence - f.sequence) // wraps around as the sequence numbers do
	if i >= len(f.sent) {
		return OtherSequence
	}
	if f.answered[i] {
		return Duplicate
	}
	trip := now.Sub(f.sent[i])
	f.answered[i] = true
	f.answers++
	f.total += trip
	f.longest = max(f.longest, trip)
	return Accepted
}

// result sums the probe up. Requests that were never sent count as lost.
func (f *flight) result(err error) Result {
	result := Result{OK: f.answers > 0, Loss: (f.options.Count - f.answers) * 100 / f.options.Count, Err: err}
	if f.answers > 0 {
		result.Latency = f.total / time.Duration(f.answers)
	}
	return result
}
