package network

import "net/netip"

// DiffRoutes returns what has to be added to and deleted from have so that it becomes want: add in want's order without
// repetitions, del in have's order as often as have has them. In want, an IPv6 route may leave metric and protocol to
// the kernel (0); add has what the kernel chooses. Of two routes of want that cannot both be in the
// kernel (see Slot) the first one wins; the other is treated as if it were not there.
func DiffRoutes(have, want []Route) (add, del []Route) {
	wanted := newRouteSet(len(want))
	taken := make(map[Slot]bool)
	existing := newRouteSet(len(have))
	for i := range have {
		existing.add(&have[i])
	}
	for i := range want {
		r := asListed(&want[i])
		if wanted.has(r) || !claim(taken, r) {
			continue
		}
		wanted.add(r)
		if !existing.has(r) {
			add = append(add, *r)
		}
	}
	for i := range have {
		if !wanted.has(&have[i]) {
			del = append(del, have[i])
		}
	}
	return add, del
}

// asListed returns the route as the kernel is going to list it. Otherwise a route that leaves something open would never
// be found among the kernel's, and would be deleted as soon as it is there. The kernel's choices are IP6_RT_PRIO_USER
// (linux/ipv6_route.h) and RTPROT_BOOT (linux/rtnetlink.h).
func asListed(r *Route) *Route {
	if r.Family == IPv4 || r.Table == TableLocal || r.Metric != 0 && r.Protocol != 0 {
		return r
	}
	listed := *r
	if r.Metric == 0 {
		listed.Metric = 1024
	}
	if r.Protocol == 0 {
		listed.Protocol = 3
	}
	return &listed
}

// claim takes the route's slot, and tells whether it was free. IPv4 has no slots.
func claim(taken map[Slot]bool, r *Route) bool {
	if r.Family == IPv4 {
		return true
	}
	slot := r.Slot()
	free := !taken[slot]
	taken[slot] = true
	return free
}

// DiffRules returns what has to be added to and deleted from have so that it becomes want: add in want's order without
// repetitions, del in have's order as often as have has them.
func DiffRules(have, want []Rule) (add, del []Rule) {
	existing := make(map[Rule]bool, len(have))
	wanted := make(map[Rule]bool, len(want))
	for _, r := range have {
		existing[r] = true
	}
	for _, r := range want {
		if !existing[r] && !wanted[r] {
			add = append(add, r)
		}
		wanted[r] = true
	}
	for _, r := range have {
		if !wanted[r] {
			del = append(del, r)
		}
	}
	return add, del
}

// routeSet is a set of routes that others hold: thousands of routes in dozens of tables have to fit a small router, so
// nothing is copied or printed. It compares a route with the few that share its key.
type routeSet struct {
	routes []*Route
	next   []int32 // of a route: 1 + the position of the next one with its key, or 0
	first  map[routeKey]int32
}

type routeKey struct {
	table  int
	dst    netip.Prefix
	metric uint32
}

func newRouteSet(size int) *routeSet {
	return &routeSet{
		routes: make([]*Route, 0, size),
		next:   make([]int32, 0, size),
		first:  make(map[routeKey]int32, size),
	}
}

func (s *routeSet) add(r *Route) {
	key := routeKey{r.Table, r.Dst, r.Metric}
	s.routes = append(s.routes, r)
	s.next = append(s.next, s.first[key])
	s.first[key] = int32(len(s.routes))
}

func (s *routeSet) has(r *Route) bool {
	for i := s.first[routeKey{r.Table, r.Dst, r.Metric}]; i != 0; i = s.next[i-1] {
		if s.routes[i-1].Equal(*r) {
			return true
		}
	}
	return false
}
