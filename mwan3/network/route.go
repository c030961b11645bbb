package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// RouteType is a route's type with the kernel's numbers (RTN_* of linux/rtnetlink.h).
type RouteType uint8

// The route types that the kernel has.
const (
	Unicast RouteType = iota + 1
	Local
	Broadcast
	Anycast
	Multicast
	BlackholeRoute
	UnreachableRoute
	ProhibitRoute
	Throw
)

// String returns the ip word.
func (t RouteType) String() string {
	names := [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast",
		"blackhole", "unreachable", "prohibit", "throw"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprint(uint8(t))
}

// Route is one route. Its fields are those that select it and that a copy in another table must keep.
// Flags that only describe the moment (linkdown, dead, offload, trap, expires, error) are not part of it.
type Route struct {
	Family   Family
	Table    int
	Type     RouteType
	Dst      netip.Prefix // 0.0.0.0/0 or ::/0 = default
	Src      netip.Prefix // source prefix ("from", IPv6 only); invalid = any
	Gateway  netip.Addr   // invalid = on link; of the other family for "via inet6"
	Device   string
	OnLink   bool
	Metric   uint32 // IPv6: 0 only exists in table local, elsewhere the kernel makes it 1024
	Protocol uint8  // RTPROT_* of linux/rtnetlink.h; IPv6: the kernel makes 0 (unspec) 3 (boot)
	Scope    uint8
	TOS      uint8
	PrefSrc  netip.Addr // source address for the router's own traffic; invalid = the kernel chooses
	Pref     uint8      // IPv6 router preference (RFC 4191): 0 medium, 1 high, 3 low
	Opaque   string     // further attributes (metrics, encapsulation, realms) as raw netlink bytes, copied as they are
	Nexthops []Nexthop  // multipath: the next hops instead of Gateway and Device
}

// Nexthop is one way of a multipath route.
type Nexthop struct {
	Gateway netip.Addr
	Device  string
	Weight  int // 1…256
	OnLink  bool
	Opaque  string // like Route.Opaque, for this hop alone
}

// Slot is a place in the kernel that only one IPv6 route can take: the kernel refuses a second one or, if both have
// a gateway, merges the two into one multipath route. IPv4 routes share nothing and never collide.
type Slot struct {
	Table    int
	Dst, Src netip.Prefix
	Metric   uint32
	Device   string // of routes without a gateway; empty = the routes with one, which share a slot
}

// Slot returns the place that the route takes if it is an IPv6 route.
func (r Route) Slot() Slot {
	slot := Slot{Table: r.Table, Dst: r.Dst, Src: r.Src, Metric: r.Metric}
	if !r.Gateway.IsValid() && len(r.Nexthops) == 0 {
		slot.Device = r.Device
	}
	return slot
}

// Equal tells whether both are the same route: equal in every field.
func (r Route) Equal(s Route) bool {
	return r.Dst == s.Dst && r.Src == s.Src && r.Gateway == s.Gateway && r.PrefSrc == s.PrefSrc &&
		r.Table == s.Table && r.Metric == s.Metric && r.Device == s.Device && r.Opaque == s.Opaque &&
		r.Family == s.Family && r.Type == s.Type && r.OnLink == s.OnLink && r.Protocol == s.Protocol &&
		r.Scope == s.Scope && r.TOS == s.TOS && r.Pref == s.Pref && slices.Equal(r.Nexthops, s.Nexthops)
}

// IsDefault tells whether the route matches every destination.
func (r Route) IsDefault() bool { return r.Dst.Bits() == 0 }

// String prints the route as `ip route` does, without the trailing blank; the next hops of a multipath route follow on
// the same line, and opaque attributes as raw bytes.
func (r Route) String() string {
	var b strings.Builder
	if r.Type != Unicast {
		fmt.Fprintf(&b, "%s ", r.Type)
	}
	b.WriteString(dstString(r.Dst))
	if r.Src.IsValid() {
		fmt.Fprintf(&b, " from %s", dstString(r.Src))
	}
	if r.TOS != 0 {
		fmt.Fprintf(&b, " tos 0x%02x", r.TOS)
	}
	b.WriteString(hopString(r.Family, r.Gateway, r.Device))
	fmt.Fprintf(&b, "%s%s", r.protocolString(), r.scopeString())
	if r.PrefSrc.IsValid() {
		fmt.Fprintf(&b, " src %s", r.PrefSrc)
	}
	if r.Metric != 0 || r.Family == IPv6 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	if r.OnLink {
		b.WriteString(" onlink")
	}
	if r.Opaque != "" {
		fmt.Fprintf(&b, " attrs %x", r.Opaque)
	}
	if r.Family == IPv6 {
		fmt.Fprintf(&b, " pref %s", prefString(r.Pref))
	}
	for _, hop := range r.Nexthops {
		b.WriteString(" nexthop" + hop.string(r.Family))
	}
	return b.String()
}

// Key identifies the route completely: two routes are the same if their tables and keys are.
func (r Route) Key() string { return fmt.Sprintf("%d %s", r.Table, r.String()) }

func dstString(p netip.Prefix) string {
	if p.Bits() == 0 {
		return "default"
	}
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func hopString(f Family, gateway netip.Addr, device string) string {
	s := ""
	switch {
	case gateway.IsValid() && f == IPv4 && gateway.Is6():
		s = " via inet6 " + gateway.String()
	case gateway.IsValid():
		s = " via " + gateway.String()
	}
	if device != "" {
		s += " dev " + device
	}
	return s
}

func (n Nexthop) string(f Family) string {
	s := fmt.Sprintf("%s weight %d", hopString(f, n.Gateway, n.Device), n.Weight)
	if n.OnLink {
		s += " onlink"
	}
	if n.Opaque != "" {
		s += fmt.Sprintf(" attrs %x", n.Opaque)
	}
	return s
}

// protocolString names the protocols of /etc/iproute2/rt_protos that occur on routers. ip does not print boot (3).
func (r Route) protocolString() string {
	names := map[uint8]string{0: "unspec", 1: "redirect", 2: "kernel", 4: "static", 9: "ra", 16: "dhcp",
		11: "zebra", 12: "bird", 186: "bgp", 188: "ospf", 189: "rip"}
	if r.Protocol == 3 {
		return ""
	}
	if name, ok := names[r.Protocol]; ok {
		return " proto " + name
	}
	return fmt.Sprintf(" proto %d", r.Protocol)
}

// scopeString prints IPv4 scopes other than global (0), with the numbers of linux/rtnetlink.h.
func (r Route) scopeString() string {
	if r.Family == IPv6 {
		return ""
	}
	switch r.Scope {
	case 0:
		return ""
	case 200:
		return " scope site"
	case 253:
		return " scope link"
	case 254:
		return " scope host"
	}
	return fmt.Sprintf(" scope %d", r.Scope)
}

func prefString(pref uint8) string {
	switch pref {
	case 1:
		return "high"
	case 3:
		return "low"
	}
	return "medium"
}
