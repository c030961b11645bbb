package iproute

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// Routes returns the routes of all tables and both families in the kernel's order, table local included. IPv6 routes
// without a gateway that stand between the hops of a multipath route of the same destination and metric are missing:
// the kernel does not list them (seen on Linux 6.18).
func (h *Handle) Routes() ([]network.Route, error) { return h.routes(nil) }

// RoutesIn returns the routes of these tables of both families. Kernels from 4.20 on select them themselves.
func (h *Handle) RoutesIn(tables ...int) ([]network.Route, error) {
	if len(tables) == 0 {
		return nil, nil
	}
	return h.routes(tables)
}

// routes lists the tables, all of them for nil. A device that came up between the list of devices and that of the
// routes makes it look again, once.
func (h *Handle) routes(tables []int) ([]network.Route, error) {
	for try := 1; ; try++ {
		devices, err := h.devices()
		if err != nil {
			return nil, err
		}
		list := routeList{decoder: routeDecoder{devices: devices}, tables: tables}
		for _, f := range network.Families {
			if err := list.read(h.conn, f); err != nil {
				return nil, fmt.Errorf("list %s routes: %w", f, err)
			}
		}
		if !list.decoder.unknown || try == 2 {
			return list.routes, nil
		}
	}
}

// routeList collects routes from dumps.
type routeList struct {
	decoder routeDecoder
	tables  []int // nil = all
	routes  []network.Route
}

func (l *routeList) read(c *conn, f network.Family) error {
	if l.tables == nil || !c.strict {
		return l.dump(c, f, routeHeader(f))
	}
	for _, table := range l.tables {
		request := appendNumber(routeHeader(f), unix.RTA_TABLE, uint32(table))
		if err := l.dump(c, f, request); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("table %s: %w", network.TableName(table), err)
		}
	}
	return nil
}

// dump leaves out other families, with which a kernel without IPv6 answers.
func (l *routeList) dump(c *conn, f network.Family, request []byte) error {
	start := len(l.routes)
	return c.dump(unix.RTM_GETROUTE, request, func() { l.routes = l.routes[:start] }, func(body []byte) error {
		r, ok, err := l.decoder.decode(body)
		if ok && r.Family == f && (l.tables == nil || slices.Contains(l.tables, r.Table)) {
			l.routes = append(l.routes, r)
		}
		return err
	})
}

// routeHeader is a struct rtmsg that selects a family.
func routeHeader(f network.Family) []byte {
	b := make([]byte, unix.SizeofRtMsg, unix.SizeofRtMsg+8)
	b[0] = kernelFamily(f)
	return b
}
