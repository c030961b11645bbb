// Package probe asks targets whether they can be reached over one interface. Each method is a Prober; none of them
// knows what a round or a verdict is.
package probe

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"mwan3/network"
)

// Prober probes targets over the Path that it was made for.
type Prober interface {
	// Probe asks one target and waits for the outcome, or for the end of ctx: the Result then means nothing.
	Probe(ctx context.Context, target Target) Result
	// Close frees what the Prober holds. It must not be used after that.
	Close() error
}

// Target is whom to ask.
type Target struct {
	Host    string        // as the config has it
	Addr    netip.Addr    // its address, of the Path's family
	Timeout time.Duration // that this probe has in place of its method's; 0: no other
}

// terms are a method's terms with the target's own timeout.
func (t Target) terms(method terms) terms {
	if t.Timeout > 0 {
		method.timeout = t.Timeout
	}
	return method
}

// Path is the way on which probes leave and answers come in.
type Path struct {
	Family network.Family
	Device string
	Source netip.Addr // invalid: the kernel chooses
	Mark   uint32     // of the packets; says which routing table they use
}

// Result is what a target answered.
type Result struct {
	OK      bool
	Latency time.Duration // average of the answers; 0 without any
	Loss    int           // percent of the probes without an answer, rounded down
	Err     error         // why the probe failed, where more is known than that nothing was answered
}

// check tells whether an address is of the path's family.
func (p Path) check(target netip.Addr) error {
	if !target.IsValid() || target.Is4() != (p.Family == network.IPv4) {
		return fmt.Errorf("%s is no %s address", target, p.Family)
	}
	return nil
}

// dead is the result for a target that nothing could be sent to.
func dead(err error) Result { return Result{Loss: 100, Err: err} }
