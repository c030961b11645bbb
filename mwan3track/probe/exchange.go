package probe

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"time"
)

// exchange is a probe with single packets over a socket of its own: requests go out, packets come in.
type exchange struct {
	*bound
	flight    flight
	request   func(sequence uint16) error
	parse     func(packet []byte) (sequence uint16, reason Ignored)
	refusedBy netip.Addr    // whose ICMP error "port unreachable" is an answer; invalid: nobody's
	ignored   func(Ignored) // may be nil
	buffer    [1500]byte
	length    int
	failed    error
	reason    Ignored // why the last packet was ignored
}

func newExchange(b *bound, t terms) *exchange {
	return &exchange{bound: b, flight: newFlight(t, uint16(rand.Uint32()))}
}

// probe runs the exchange and closes its socket.
func (e *exchange) probe(ctx context.Context) Result {
	defer e.close()
	result := e.flight.run(ctx, e)
	if !result.OK && result.Err == nil && e.reason == ServerError {
		result.Err = errors.New(string(e.reason))
	}
	return result
}

// send sends a request. A socket reports an error that an earlier packet met once; that is no reason to fail.
func (e *exchange) send(sequence uint16) error {
	err := e.request(sequence)
	if err != nil {
		e.takeError(errors.Is(err, syscall.ECONNREFUSED), sequence-1)
		err = e.request(sequence)
	}
	return err
}

func (e *exchange) await(ctx context.Context, until time.Time) error {
	if err := e.limit(ctx, until); err != nil {
		return err
	}
	if err := e.conn.Read(e.readOne); err != nil {
		return err
	}
	if e.failed != nil {
		e.takeError(e.failed == syscall.ECONNREFUSED, e.flight.latest())
		return e.failed
	}
	e.take(e.parse(e.buffer[:e.length]))
	return nil
}

func (e *exchange) readOne(fd uintptr) bool {
	e.length, e.failed = syscall.Read(int(fd), e.buffer[:])
	return e.failed != syscall.EAGAIN
}

// takeError empties the error queue, which would keep the socket readable, and takes a refusal in if it is an answer.
func (e *exchange) takeError(refusal bool, sequence uint16) {
	offender, ok := e.offender()
	if !ok || !refusal || !e.refusedBy.IsValid() {
		return
	}
	if offender != e.refusedBy {
		e.take(0, OtherSource)
		return
	}
	e.take(sequence, Accepted)
}

func (e *exchange) take(sequence uint16, reason Ignored) {
	if reason == Accepted {
		reason = e.flight.answer(sequence, time.Now())
	}
	e.reason = reason
	if reason != Accepted && e.ignored != nil {
		e.ignored(reason)
	}
}
