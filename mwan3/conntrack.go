package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"mwan3/config"
	"mwan3/conntrack"
	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
)

// flushConntrack flushes the whole connection table if the interface's option flush_conntrack lists the event.
func (r *router) flushConntrack(iface config.Interface, action plan.Action) {
	if !slices.Contains(iface.FlushConntrack, config.Event(action)) {
		return
	}
	if err := conntrack.Flush(); err != nil {
		r.log.Warn("flush connection tracking for interface '%s': %v", iface.Name, err)
		return
	}
	r.log.Info("Connection tracking flushed for interface '%s' on action '%s'", iface.Name, action)
}

// leadFlows gives living connections their way when interfaces have failed or recovered. The marking is in place, so what
// is deleted gets its new mark with its next packet. Nothing here is worth failing for.
func (r *router) leadFlows(before, after health.States) {
	s := shift{cfg: r.cfg, before: before, after: after, inUse: r.inUse}
	for _, lead := range []func(shift) error{r.moveFlows, r.endFlows, r.forgetRefused, r.forgetStranded} {
		err := lead(s)
		if err != nil {
			r.log.Warn("connections stay as they are: %v", err)
		}
		if errors.Is(err, conntrack.ErrMissing) {
			return
		}
	}
}

// moveFlows deletes the connections of interfaces that have failed.
func (r *router) moveFlows(s shift) error {
	for _, iface := range s.moved() {
		if err := r.deleteMarked(iface.Family, r.cfg.Globals.Mask.Mark(iface.ID)); err != nil {
			return fmt.Errorf("move those of interface %s: %w", iface.Name, err)
		}
		r.log.Info("Interface %s: connections move to other interfaces", iface.Name)
	}
	return nil
}

// endFlows deletes the connections of interfaces that stood in for others.
func (r *router) endFlows(s shift) error {
	for _, e := range s.ended() {
		if err := r.deleteMarked(e.iface.Family, r.cfg.Globals.Mask.Mark(e.iface.ID)); err != nil {
			return fmt.Errorf("end those of interface %s: %w", e.iface.Name, err)
		}
		r.log.Info("Interface %s: connections end, interface %s is online again", e.iface.Name, e.recovered.Name)
	}
	return nil
}

// forgetRefused deletes the connections that were refused or swallowed when there was no interface for them. They have
// that in their mark, so they would be for as long as they send.
func (r *router) forgetRefused(s shift) error {
	for _, family := range s.refreshed() {
		for _, special := range []config.Special{config.Unreachable, config.Blackhole} {
			if err := r.deleteMarked(family, r.cfg.Globals.Mask.SpecialMark(special)); err != nil {
				return fmt.Errorf("forget what was refused: %w", err)
			}
		}
	}
	return nil
}

func (r *router) deleteMarked(family network.Family, mark uint32) error {
	return conntrack.Delete(r.marked(family, mark))
}

func (r *router) marked(family network.Family, mark uint32) conntrack.Marked {
	m := conntrack.Marked{Family: unix.AF_INET, Mark: mark, Mask: uint32(r.cfg.Globals.Mask)}
	if family == network.IPv6 {
		m.Family = unix.AF_INET6
	}
	return m
}

// forgetStranded deletes connections without a mark that no answer can reach any more: their source is replaced by an
// address that the router has lost. Such a one would keep it for as long as it sends, whatever way it goes.
//
// Everything else without a mark may work, and stays: what has an address that the router has, be it that of an
// interface which is offline; what has its own; TCP, which cannot go on from another one anyway. Where a provider leads an
// address to us that is on no device, a connection gets a mark with its first answer; one that was silent since we
// started comes back with the same address.
func (r *router) forgetStranded(s shift) error {
	for _, family := range s.refreshed() {
		found, err := conntrack.ListTranslated(r.marked(family, 0))
		if err != nil {
			return fmt.Errorf("find those without a way back: %w", err)
		}
		if len(found) == 0 {
			continue
		}
		own, err := r.ownAddresses()
		if err != nil {
			return fmt.Errorf("find those without a way back: %w", err)
		}
		count, err := conntrack.DeleteTranslated(slices.DeleteFunc(found, func(t conntrack.Translated) bool {
			return slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(t.Source) })
		}))
		if err != nil {
			return fmt.Errorf("forget those without a way back: %w", err)
		}
		if count > 0 {
			r.log.Info("%d %s connections begin anew, the router has lost their address", count, family)
		}
	}
	return nil
}

// ownAddresses lists what the router takes for itself: the addresses of its devices, those that are down as well, and what
// the table local names.
func (r *router) ownAddresses() ([]netip.Prefix, error) {
	links, err := r.routing.Links()
	if err != nil {
		return nil, err
	}
	var own []netip.Prefix
	for _, link := range links {
		for _, p := range link.Addrs {
			own = append(own, netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
		}
	}
	routes, err := r.routing.RoutesIn(unix.RT_TABLE_LOCAL)
	for _, route := range routes {
		if route.Type == network.Local {
			own = append(own, route.Dst)
		}
	}
	return own, err
}
