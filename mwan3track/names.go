package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
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

// lookup asks for the addresses of a host; network is ip4 or ip6.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// systemLookup asks as every other program on the router does: by any uplink, as probes of one that is down could not.
func systemLookup() lookup {
	resolver := &net.Resolver{PreferGo: true}
	return resolver.LookupNetIP
}

// names knows the addresses of an interface's targets.
type names struct {
	lookup   lookup
	network  string
	patience time.Duration // for the first lookup of a name
	hosts    []host
}

// host is one target.
type host struct {
	probe.Target             // Addr: the last one known
	literal      bool        // it is an address, not a name
	until        time.Time   // when Addr has to be looked up again
	asked        chan resolved // of a lookup under way; nil without one
	err          error       // of the last lookup
}

type resolved struct {
	addr netip.Addr
	err  error
}

func newNames(lookup lookup, family network.Family, tracking config.Tracking) *names {
	n := &names{lookup: lookup, network: "ip4", patience: tracking.Timeout}
	if family == network.IPv6 {
		n.network = "ip6"
	}
	for _, target := range tracking.Targets {
		addr, err := netip.ParseAddr(target)
		n.hosts = append(n.hosts, host{Target: probe.Target{Host: target, Addr: addr}, literal: err == nil})
	}
	return n
}

// target returns a target with its address. While a known name is looked up again its old address serves; DNS is
// often the first to fail with an uplink.
func (n *names) target(ctx context.Context, i int) (probe.Target, error) {
	h := &n.hosts[i]
	if h.literal {
		return h.Target, nil
	}
	if h.asked == nil && !time.Now().Before(h.until) {
		h.asked = n.ask(h.Host)
	}
	n.collect(ctx, h)
	if !h.Addr.IsValid() {
		return h.Target, h.err
	}
	return h.Target, nil
}

// doubt makes a name be looked up before its next probe.
func (n *names) doubt(i int) { n.hosts[i].until = time.Time{} }

// ask starts a lookup. It ends by itself.
func (n *names) ask(name string) chan resolved {
	asked := make(chan resolved, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		addrs, err := n.lookup(ctx, n.network, name)
		if err != nil || len(addrs) == 0 {
			asked <- resolved{err: fmt.Errorf("resolve %s: %w", name, err)}
			return
		}
		asked <- resolved{addr: addrs[0].Unmap()}
	}()
	return asked
}

// collect takes in a lookup that has ended. It waits for one, but not for long, where there is no address yet.
func (n *names) collect(ctx context.Context, h *host) {
	if h.asked == nil {
		return
	}
	if h.Addr.IsValid() {
		select {
		case a := <-h.asked:
			h.take(a)
		default:
		}
		return
	}
	ctx, cancel := context.WithTimeout(ctx, n.patience)
	defer cancel()
	select {
	case a := <-h.asked:
		h.take(a)
	case <-ctx.Done():
		h.err = fmt.Errorf("resolve %s: %w", h.Host, ctx.Err())
	}
}

func (h *host) take(a resolved) {
	h.asked, h.err = nil, a.err
	if a.err == nil {
		h.Addr, h.until = a.addr, time.Now().Add(nameAge)
	}
}
