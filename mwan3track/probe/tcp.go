package probe

import "time"

// TCPOptions are the options of methods tcp and nping-tcp.
type TCPOptions struct {
	Count   int           // connections to a target, one per second
	Port    int           // that is connected to
	Timeout time.Duration // of each
}

// NewTCP makes a Prober that connects: a handshake that completes is an answer, and one is enough.
func NewTCP(path Path, options TCPOptions) Prober {
	return &series{path: path, terms: options.terms(1), port: options.Port}
}

// NewTCPPing makes a Prober that does what nping's TCP mode does: whatever the target answers to a SYN counts, be the port
// open or closed, and all must be answered. A refusal by somebody on the way is no answer.
func NewTCPPing(path Path, options TCPOptions) Prober {
	return &series{path: path, terms: options.terms(options.Count), port: options.Port, refusal: true}
}

func (o TCPOptions) terms(need int) terms {
	return terms{count: o.Count, need: need, timeout: o.Timeout}
}
