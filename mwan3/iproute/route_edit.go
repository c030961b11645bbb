package iproute

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// deleteTries bounds how many routes or rules that resemble the one that is meant the kernel may delete in its place.
const deleteTries = 8

// EditRoutes adds and deletes routes as DiffRoutes found them. Routes that are already there, or already gone, are
// no error; what fails does not stop the rest, and all that failed is in the error.
//
// Whatever can go in first does, so that no destination is without a route in between, and routes to networks go in
// before those via gateways that are in them. IPv6 has two exceptions, as one Slot takes one route: a route via
// gateways takes the place of another in one step, and one without a gateway has to go before its successor comes.
func (h *Handle) EditRoutes(add, del []network.Route) error {
	if len(add) == 0 && len(del) == 0 {
		return nil
	}
	devices, err := h.devices()
	if err != nil {
		return err
	}
	e := routeEdit{conn: h.conn, decoder: routeDecoder{devices: devices}, removed: del}
	first, last := e.arrange(add, del)
	e.delete(first)
	for _, r := range e.add(inOrder(add)) {
		e.errs = append(e.errs, fmt.Errorf("add route %s: %w", describe(r.route), r.err))
	}
	e.delete(last)
	e.restore()
	return errors.Join(e.errs...)
}

// describe names a route as ip does with its table.
func describe(r *network.Route) string {
	return fmt.Sprintf("%s table %s", r, network.TableName(r.Table))
}

// routeEdit is one run of EditRoutes.
type routeEdit struct {
	conn     *conn
	decoder  routeDecoder
	removed  []network.Route       // all that is to be deleted
	replaced map[network.Slot]bool // IPv6: where a route via gateways takes the place of another
	victims  []network.Route       // what the kernel deleted though it was to stay
	errs     []error
}

// failedRoute is a route that could not be added, and why.
type failedRoute struct {
	route *network.Route
	err   error
}

// arrange says what to delete before the additions and what after them, and notes what an addition replaces.
func (e *routeEdit) arrange(add, del []network.Route) (first, last []*network.Route) {
	wanted := make(map[network.Slot]bool)
	for i := range add {
		if add[i].Family == network.IPv6 {
			wanted[add[i].Slot()] = true
		}
	}
	e.replaced = make(map[network.Slot]bool)
	for i := range del {
		r := &del[i]
		slot := r.Slot()
		switch {
		case r.Family == network.IPv4 || !wanted[slot]:
			last = append(last, r)
		case slot.Device != "":
			first = append(first, r)
		default:
			e.replaced[slot] = true
		}
	}
	return first, last
}

// inOrder puts routes that need no gateway before those that do.
func inOrder(routes []network.Route) []*network.Route {
	ordered := make([]*network.Route, 0, len(routes))
	for _, gateways := range []bool{false, true} {
		for i := range routes {
			if hasGateway(&routes[i]) == gateways {
				ordered = append(ordered, &routes[i])
			}
		}
	}
	return ordered
}

func hasGateway(r *network.Route) bool { return r.Gateway.IsValid() || len(r.Nexthops) > 0 }

// add adds the routes and, once all others had their turn, tries again what failed. It returns what fails for good.
func (e *routeEdit) add(routes []*network.Route) []failedRoute {
	failed := e.addOnce(routes)
	again := make([]*network.Route, 0, len(failed))
	for _, f := range failed {
		if errors.Is(f.err, unix.EEXIST) {
			e.replaced[f.route.Slot()] = true
		}
		again = append(again, f.route)
	}
	return e.addOnce(again)
}

func (e *routeEdit) addOnce(routes []*network.Route) []failedRoute {
	var failed []failedRoute
	known := routes[:0:0]
	for _, r := range routes {
		if missing, ok := e.decoder.devices.knows(r); !ok {
			failed = append(failed, failedRoute{r, fmt.Errorf("device %s: %w", missing, unix.ENODEV)})
			continue
		}
		known = append(known, r)
	}
	err := e.conn.run(batch{
		count: len(known),
		encode: func(b []byte, i int) []byte {
			return e.decoder.devices.appendRoute(b, unix.RTM_NEWROUTE, e.addFlags(known[i]), known[i])
		},
		failed: func(i int, err error) {
			if !e.isThere(known[i], err) {
				failed = append(failed, failedRoute{known[i], err})
			}
		},
		echoed: func(int, []byte) {},
	})
	if err != nil {
		e.errs = append(e.errs, fmt.Errorf("add routes: %w", err))
	}
	return failed
}

// addFlags returns how to add the route: beside routes of the same metric, or over them.
func (e *routeEdit) addFlags(r *network.Route) uint16 {
	if r.Family == network.IPv6 && e.replaced[r.Slot()] {
		return unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	}
	return unix.NLM_F_CREATE | unix.NLM_F_APPEND
}

// isThere tells whether the error says that the route is there already. Of an IPv6 route via gateways the kernel only
// says that one of the gateways is: it has to be replaced.
func (e *routeEdit) isThere(r *network.Route, err error) bool {
	if !errors.Is(err, unix.EEXIST) {
		return false
	}
	return r.Family == network.IPv4 || !hasGateway(r) || e.replaced[r.Slot()]
}

// delete deletes the routes. The kernel takes what a request leaves out (no source address, no gateway, metric 0) as
// "any", and may delete a route that only resembles the one that was meant. It echoes what it deleted, so
// the right one is deleted after it, and the other one restored.
func (e *routeEdit) delete(routes []*network.Route) {
	routes = e.deletable(routes)
	for try := 0; len(routes) > 0 && try < deleteTries; try++ {
		var again []*network.Route
		err := e.conn.run(batch{
			count: len(routes),
			encode: func(b []byte, i int) []byte {
				return e.decoder.devices.appendRoute(b, unix.RTM_DELROUTE, unix.NLM_F_ECHO, routes[i])
			},
			failed: func(i int, err error) {
				if !isGone(err) {
					e.errs = append(e.errs, fmt.Errorf("delete route %s: %w", describe(routes[i]), err))
				}
			},
			echoed: func(i int, body []byte) {
				if !e.hit(routes[i], body) {
					again = append(again, routes[i])
				}
			},
		})
		if err != nil {
			e.errs = append(e.errs, fmt.Errorf("delete routes: %w", err))
			return
		}
		routes = again
	}
}

// deletable leaves out routes of devices that are gone: the kernel took the routes with them.
func (e *routeEdit) deletable(routes []*network.Route) []*network.Route {
	var known []*network.Route
	for _, r := range routes {
		if _, ok := e.decoder.devices.knows(r); ok {
			known = append(known, r)
		}
	}
	return known
}

// hit tells whether the deleted route in body is the one that was meant. A victim that should stay is kept in mind.
func (e *routeEdit) hit(meant *network.Route, body []byte) bool {
	deleted, ok, err := e.decoder.decode(body)
	if !ok || err != nil || deleted.Equal(*meant) {
		return true
	}
	if meant.Family == network.IPv6 && deleted.Slot() == meant.Slot() {
		return true // multipath: echoed hop by hop
	}
	// To replace what is not there any more would hit a route without a gateway.
	delete(e.replaced, deleted.Slot())
	for i := range e.removed {
		if e.removed[i].Equal(deleted) {
			return false
		}
	}
	e.victims = append(e.victims, deleted)
	return false
}

// restore adds the victims again.
func (e *routeEdit) restore() {
	for _, r := range e.add(inOrder(e.victims)) {
		e.errs = append(e.errs, fmt.Errorf("restore route %s: %w", describe(r.route), r.err))
	}
}
