package probe

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// series is a Prober that asks a target several times, a second apart, each time over a TCP connection of its own.
type series struct {
	path  Path
	terms terms // timeout is that of each request
	port  int
	// ask has a connection, whose deadline is set, to the target. It is nil where the handshake is all that is wanted.
	ask func(b *bound, target Target) error
	// refusal makes the target's refusal of a connection an answer.
	refusal bool
}

// Close does nothing.
func (s *series) Close() error { return nil }

// Probe asks the target. When all answers are needed the first that is missing ends the probe.
func (s *series) Probe(ctx context.Context, target Target) Result {
	if err := s.path.check(target.Addr); err != nil {
		return dead(err)
	}
	flight := newFlight(target.terms(s.terms), 0)
	var why error
	for range s.terms.count {
		if err := s.wait(ctx, &flight); err != nil {
			return dead(err)
		}
		sequence := flight.next(time.Now())
		err := s.once(ctx, target, flight.terms.timeout)
		switch {
		case ctx.Err() != nil:
			return dead(ctx.Err())
		case err == nil:
			flight.answer(sequence, time.Now())
		case !errors.Is(err, os.ErrDeadlineExceeded):
			why = err
		}
		if err != nil && s.terms.need == s.terms.count {
			break
		}
	}
	result := flight.result(nil)
	if !result.OK {
		result.Err = why
	}
	return result
}

// wait lets the pause after the last request pass.
func (s *series) wait(ctx context.Context, f *flight) error {
	if len(f.sent) == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Until(f.last().Add(pause)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// once makes one request.
func (s *series) once(ctx context.Context, target Target, timeout time.Duration) error {
	b, err := openInet(ctx, s.path, syscall.SOCK_STREAM)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.limit(ctx, time.Now().Add(timeout)); err != nil {
		return err
	}
	err = b.connect(netip.AddrPortFrom(target.Addr, uint16(s.port)))
	if s.refusal && errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if err != nil || s.ask == nil {
		return err
	}
	return s.ask(b, target)
}
