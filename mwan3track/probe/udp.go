package probe

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// UDPOptions are the options of method nping-udp.
type UDPOptions struct {
	Count   int // datagrams for a target, one per second; all must be answered
	Port    int
	Timeout time.Duration // after the last datagram, when nothing was answered
}

// UDP probes with empty datagrams. What the target answers to them counts, and so does its ICMP error "port
// unreachable"; one that somebody else sends, such as a firewall on the way, does not.
type UDP struct {
	// Ignored, if set, hears why each answer was ignored.
	Ignored func(Ignored)

	path    Path
	options UDPOptions
}

// NewUDP makes a Prober.
func NewUDP(path Path, options UDPOptions) *UDP { return &UDP{path: path, options: options} }

// Close does nothing: each probe has a socket of its own.
func (u *UDP) Close() error { return nil }

// Probe sends the datagrams and waits for answers.
func (u *UDP) Probe(ctx context.Context, target Target) Result {
	b, err := openUDP(ctx, u.path, target.Addr, u.options.Port)
	if err != nil {
		return dead(err)
	}
	e := newExchange(b, target.terms(terms{count: u.options.Count, need: u.options.Count, timeout: u.options.Timeout}))
	e.ignored = u.Ignored
	e.request = func(uint16) error { return b.write(target.Addr, nil) }
	e.parse = func([]byte) (uint16, Ignored) { return e.flight.latest(), Accepted }
	e.refusedBy = target.Addr
	return e.probe(ctx)
}

// openUDP opens a socket that hears only the target's port.
func openUDP(ctx context.Context, path Path, target netip.Addr, port int) (*bound, error) {
	if err := path.check(target); err != nil {
		return nil, err
	}
	b, err := openInet(ctx, path, syscall.SOCK_DGRAM)
	if err != nil {
		return nil, err
	}
	if err := b.connect(netip.AddrPortFrom(target, uint16(port))); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// write sends a datagram to the target that the socket is connected to.
func (b *bound) write(target netip.Addr, datagram []byte) error {
	if _, err := syscall.Write(b.fd, datagram); err != nil {
		return fmt.Errorf("send to %s: %w", target, err)
	}
	return nil
}
