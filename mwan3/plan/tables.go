package plan

import (
	"net/netip"
	"slices"

	"mwan3/network"
)

// linkLocal is the prefix that every IPv6 device has: like a default route it belongs to one interface only.
const linkLocal = "fe80::/64"

// Tables decides what the interfaces' tables hold: the routes of main and of the tables of rt_table_lookup that lead
// through the interface itself, and those that lead through no interface of mwan3 at all (contracts 2.3).
func (in Inputs) Tables() []Table {
	var tables []Table
	all := in.ifaces()
	for _, i := range all {
		if !i.up {
			continue
		}
		for _, id := range append([]int{i.ID}, in.heldBy(i.Name)...) {
			tables = append(tables, in.table(i, id, ownersOf(i.Family, all)))
		}
	}
	return tables
}

// table is the table that an interface has under one of its ids.
func (in Inputs) table(i iface, id int, owners map[string]int) Table {
	if owners[i.device] == i.ID {
		owners[i.device] = id
	}
	i.ID = id
	return Table{ID: id, Family: i.Family, Routes: in.tableRoutes(i, owners)}
}

// ownersOf maps the devices of a family's interfaces to the id of the first interface that has it.
func ownersOf(family network.Family, all []iface) map[string]int {
	owners := map[string]int{}
	for _, i := range all {
		if _, taken := owners[i.device]; i.Family == family && i.Enabled && i.device != "" && !taken {
			owners[i.device] = i.ID
		}
	}
	return owners
}

func (in Inputs) tableRoutes(i iface, owners map[string]int) []network.Route {
	var routes []network.Route
	seen := map[string]bool{}
	for _, source := range in.Network.Routes {
		if source.Family != i.Family || !in.copied(source.Table) {
			continue
		}
		route, ok := in.routeFor(i, source, owners)
		if ok && !seen[route.Key()] {
			seen[route.Key()] = true
			routes = append(routes, route)
		}
	}
	return in.withGateway(i, routes)
}

// copied tells whether a table's routes count for the interfaces' tables.
func (in Inputs) copied(table int) bool {
	return table == network.TableMain || slices.Contains(in.Config.Globals.RTTableLookup, table)
}

// routeFor is a route as it stands in an interface's table, if it belongs there.
func (in Inputs) routeFor(i iface, route network.Route, owners map[string]int) (network.Route, bool) {
	own := route.IsDefault() || route.Dst.String() == linkLocal
	belongs := func(device string) bool {
		owner, owned := owners[device]
		return owned && owner == i.ID || !owned && !own
	}
	if len(route.Nexthops) > 0 {
		route.Nexthops = slices.DeleteFunc(slices.Clone(route.Nexthops),
			func(hop network.Nexthop) bool { return !belongs(hop.Device) })
		if len(route.Nexthops) == 0 {
			return route, false
		}
		route = singleHop(route)
	} else if !belongs(route.Device) {
		return route, false
	}
	if route.IsDefault() && !in.Config.Globals.SourceRouting {
		route.Src = netip.Prefix{}
	}
	route.Table = i.ID
	return route, true
}

// singleHop turns a multipath route with one way left into a plain one.
func singleHop(route network.Route) network.Route {
	if len(route.Nexthops) != 1 {
		return route
	}
	hop := route.Nexthops[0]
	route.Gateway, route.Device, route.OnLink = hop.Gateway, hop.Device, hop.OnLink
	route.Nexthops = nil
	return route
}

// protocolStatic marks routes that an administrator set (RTPROT_STATIC of linux/rtnetlink.h).
const protocolStatic = 4

// withGateway adds the default route that option gateway names, where main has none through the interface.
func (in Inputs) withGateway(i iface, routes []network.Route) []network.Route {
	if !i.gateway.IsValid() || slices.ContainsFunc(routes, network.Route.IsDefault) {
		return routes
	}
	return append(routes, network.Route{Family: i.Family, Table: i.ID, Type: network.Unicast, Dst: network.Everywhere(i.Family),
		Gateway: i.gateway, Device: i.device, Protocol: protocolStatic})
}
