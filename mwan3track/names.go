package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"mwan3/config"
	"mwan3/network"
	"mwan3track/probe"
)

// A name is looked up again after nameAge, because nobody tells how long its address holds. A lookup that takes longer
// than lookupTime has failed.
const (
	nameAge    = 10 * time.Minute
	lookupTime = 10 * time.Second
)

// lookup finds the addresses of a host as every other program on the router does: by any uplink, as probes of one that is
// down could not.
type lookup func(ctx context.Context, family network.Family, host string) ([]netip.Addr, error)

// name knows the address of one target.
type name struct {
	host   string // as the config has it
	lookup lookup
	family network.Family
	fixed  bool // nobody is asked for its address

	mu    sync.Mutex
	addr  netip.Addr    // the last one known
	until time.Time     // when it has to be looked up again
	asked chan struct{} // closed when the lookup under way ends; nil without one
	err   error         // of the last lookup
}

func newNames(lookup lookup, family network.Family, targets []string) []*name {
	var names []*name
	for _, target := range targets {
		addr, err := netip.ParseAddr(target)
		fixed := err == nil || target == config.GatewayTarget
		names = append(names, &name{host: target, lookup: lookup, family: family, fixed: fixed, addr: addr})
	}
	return names
}

// target returns the target with its address. It waits for a lookup, up to patience, only where no address is known yet:
// while a known name is looked up again its old address serves. DNS is often the first to fail with an uplink.
func (n *name) target(ctx context.Context, patience time.Duration) (probe.Target, error) {
	addr, asked := n.known()
	if addr.IsValid() {
		return probe.Target{Host: n.host, Addr: addr}, nil
	}
	if n.fixed {
		return probe.Target{}, errors.New("the interface has no next hop")
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-asked:
	case <-timer.C:
		return probe.Target{}, fmt.Errorf("resolve %s: %w", n.host, context.DeadlineExceeded)
	case <-ctx.Done():
		return probe.Target{}, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return probe.Target{Host: n.host, Addr: n.addr}, n.err
}

// known returns the address, if there is one, and starts a lookup that is due. It ends by itself.
func (n *name) known() (netip.Addr, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.fixed && n.asked == nil && !time.Now().Before(n.until) {
		n.asked = make(chan struct{})
		go n.ask(n.asked)
	}
	return n.addr, n.asked
}

// set gives the gateway its address, and leaves other targets alone.
func (n *name) set(gateway netip.Addr) {
	if n.host != config.GatewayTarget {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addr = gateway
}

// doubt makes the name be looked up before its next probe.
func (n *name) doubt() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = time.Time{}
}

func (n *name) ask(done chan<- struct{}) {
	defer close(done)
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	addrs, err := n.lookup(ctx, n.family, n.host)
	if err == nil && len(addrs) == 0 {
		err = errors.New("no address")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked, n.err = nil, nil
	if err != nil {
		n.err = fmt.Errorf("resolve %s: %w", n.host, err)
		return
	}
	n.addr, n.until = addrs[0].Unmap(), time.Now().Add(nameAge)
}
