// Package network is what is there, as data: the interfaces that netifd (or, without it, the kernel)
// has, the kernel's routes and ip rules, the sets that a rule can name. It does no I/O; packages ubus
// and iproute fill it, package plan reads it. Everything prints in the words of the ip tool.
package network

import "net/netip"

// State is everything that a plan needs to know about the router at one moment.
type State struct {
	Interfaces map[string]Interface // by netifd name; a name that is absent does not exist
	Families   []Family             // the families that the kernel has
	Routes     []Route              // of all tables and families; nil when the event does not need them
	Rules      []Rule               // all ip rules of both families; nil likewise
	Sets       map[string]Set       // the sets that a rule can match, by name
	OpenSets   bool                 // a set that nobody has made yet can be matched too (nftables: we make it)
}

// Interface is one netifd interface, sub-interfaces (wan_4, wan_6) included as interfaces of their own.
type Interface struct {
	Name     string
	Up       bool
	Device   string         // the layer 3 device (l3_device); empty when unknown
	Uptime   uint32         // seconds since it came up, 0 when down or unknown
	Addrs    []netip.Prefix // addresses with their prefix length, both families, netifd's order
	Prefixes []netip.Prefix // IPv6 prefixes delegated to it
	Gateway  netip.Addr     // a next hop that the config names (standalone mode); invalid when it comes from main
}

// Lookup returns the interface that stands behind a mwan3 interface section: the sub-interface that netifd makes
// for the family (wan_4, wan_6) where there is one, else the interface of that name (contracts 4, "true iface").
func (s State) Lookup(name string, f Family) (Interface, bool) {
	if sub, ok := s.Interfaces[SubInterface(name, f)]; ok {
		return sub, true
	}
	iface, ok := s.Interfaces[name]
	return iface, ok
}

// SubInterface names the interface that netifd makes for one family of another: wan_4, wan_6. Modems and PPP have them.
func SubInterface(name string, f Family) string {
	if f == IPv6 {
		return name + "_6"
	}
	return name + "_4"
}

// HasFamily tells whether the kernel has the family.
func (s State) HasFamily(f Family) bool {
	for _, have := range s.Families {
		if have == f {
			return true
		}
	}
	return false
}

// Set is a set of addresses that the kernel or a user has, as a rule's option ipset can name it.
type Set struct {
	Family   Family
	Prefixes []netip.Prefix // its members
	Opaque   bool           // its members are more than addresses: only the firewall that has the set can match it
}
