package probe

import (
	"context"
	"errors"
	"os"
	"time"
)

// Times that probes keep (contracts 6.6): the pause between two requests, and the least that is waited for the rest
// when something was answered already.
const (
	pause     = time.Second
	shortWait = time.Second
)

// maxErrors is how many socket errors a probe lives through.
const maxErrors = 100

// terms say when a probe is over and what makes it a success.
type terms struct {
	count   int           // requests, one per second
	need    int           // answers that make a success
	timeout time.Duration // after the last request, when nothing was answered
	repeat  bool          // send until count are answered; timeout counts from the first request
}

// flight is what is known about the requests of one probe.
type flight struct {
	terms    terms
	sequence uint16 // of the first request
	sent     []time.Time
	answered []bool // by request
	answers  int
	total    time.Duration // sum of the round trips
	longest  time.Duration
}

// wire is what carries the requests and answers of a flight.
type wire interface {
	// send sends a request.
	send(sequence uint16) error
	// await waits for one packet and takes it in if it is an answer.
	await(ctx context.Context, until time.Time) error
}

func newFlight(t terms, sequence uint16) flight { return flight{terms: t, sequence: sequence} }

// begin forgets the last probe but its sequence numbers, which are not used again soon.
func (f *flight) begin() {
	f.sequence += uint16(len(f.sent))
	f.sent, f.answered = f.sent[:0], f.answered[:0]
	f.answers, f.total, f.longest = 0, 0, 0
}

// run sends the requests and waits until all are answered or the time is over.
func (f *flight) run(ctx context.Context, w wire) Result {
	f.begin()
	for errs := 0; errs < maxErrors; {
		now := time.Now()
		if f.due(now) {
			if err := w.send(f.next(now)); err != nil {
				return f.result(err)
			}
		}
		until := f.until()
		if f.complete() || !now.Before(until) {
			break
		}
		err := w.await(ctx, until)
		if ctx.Err() != nil {
			return dead(ctx.Err())
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			errs++
		}
	}
	return f.result(nil)
}

// due tells whether the next request has to be sent.
func (f *flight) due(now time.Time) bool {
	switch {
	case len(f.sent) == 0:
		return true
	case f.terms.repeat && !now.Before(f.deadline()), !f.terms.repeat && len(f.sent) == f.terms.count:
		return false
	}
	return !now.Before(f.last().Add(pause))
}

// next notes a request and returns its sequence number.
func (f *flight) next(now time.Time) uint16 {
	f.sent, f.answered = append(f.sent, now), append(f.answered, false)
	return f.latest()
}

// latest is the sequence number of the last request. Answers that have none are taken for its own.
func (f *flight) latest() uint16 { return f.sequence + uint16(len(f.sent)-1) }

func (f *flight) last() time.Time { return f.sent[len(f.sent)-1] }

func (f *flight) deadline() time.Time { return f.sent[0].Add(f.terms.timeout) }

// until is how long there is nothing to do but to wait for answers: until the next request is due or, after the last
// one, until nothing more is expected.
func (f *flight) until() time.Time {
	next := f.last().Add(pause)
	switch {
	case f.terms.repeat && next.Before(f.deadline()):
		return next
	case f.terms.repeat:
		return f.deadline()
	case len(f.sent) < f.terms.count:
		return next
	case f.answers == 0:
		return f.last().Add(f.terms.timeout)
	}
	return f.last().Add(max(2*f.longest, shortWait))
}

// complete tells whether there is nothing more to ask and to wait for.
func (f *flight) complete() bool { return f.answers == f.terms.count }

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

// result sums the probe up. Requests that were never sent count as lost, but where they are repeated there are no others.
func (f *flight) result(err error) Result {
	asked := f.terms.count
	if f.terms.repeat {
		asked = max(1, len(f.sent))
	}
	result := Result{OK: f.answers >= f.terms.need, Loss: (asked - f.answers) * 100 / asked, Err: err}
	if f.answers > 0 {
		result.Latency = f.total / time.Duration(f.answers)
	}
	return result
}
