package ubusd

import (
	"net/netip"
	"sort"
	"time"

	"mwan3/ubus"
)

// Interface is the state of one of netifd's interfaces.
type Interface struct {
	Up       bool
	Proto    string         // "" = static
	Device   string         // the layer 3 device, as pppoe-wan
	Parent   string         // the device under it, as eth1; "" = Device
	Uptime   time.Duration  // how long it is up when it is set; counted on from there
	Metric   int            // of its routes
	Addrs    []netip.Prefix // its addresses of both families
	Peer     netip.Addr     // the other end of its IPv4 address, if that is point-to-point
	Prefixes []netip.Prefix // the prefixes that it got to hand on
	Local    []netip.Prefix // its addresses inside prefixes of other interfaces
	Routes   []Route
	DNS      []netip.Addr
}

// Route is a route of an interface.
type Route struct {
	Target  netip.Prefix
	Nexthop netip.Addr // invalid = on link
	Metric  int
}

const interfacePath = "network.interface"

// netifd is the stand-in for OpenWrt's network daemon.
type netifd struct {
	server     *Server
	gone       bool
	interfaces map[string]*state
	all        *object
}

// state is an interface with what time makes of it.
type state struct {
	Interface
	since  time.Time
	object *object
}

func (n *netifd) init(s *Server) {
	n.server = s
	n.interfaces = map[string]*state{}
}

// publish makes the objects on a new bus, or after netifd was gone.
func (n *netifd) publish() {
	if n.gone {
		return
	}
	n.all = n.server.bus.publish(interfacePath, interfaceMethods(), n.handle)
	for _, name := range n.names() {
		n.publishOne(name)
	}
}

func (n *netifd) publishOne(name string) {
	n.interfaces[name].object = n.server.bus.publish(interfacePath+"."+name, interfaceMethods(),
		func(method string, _ ubus.Table) (ubus.Table, ubus.Status) {
			if method == "dump" {
				return n.dump(), ubus.StatusOK
			}
			return n.status(name), ubus.StatusOK
		})
}

// interfaceMethods is the one signature that netifd shows for all these objects, although network.interface's status
// needs an argument.
func interfaceMethods() ubus.Table {
	return ubus.Table{{Name: "status", Value: ubus.Table{}}, {Name: "dump", Value: ubus.Table{}}}
}

// SetNetifd makes netifd's objects disappear (false), as while it restarts, and come back (true) with new ids.
func (s *Server) SetNetifd(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &s.netifd
	switch {
	case running == !n.gone:
	case running:
		n.gone = false
		n.publish()
	default:
		n.gone = true
		for _, name := range n.names() {
			s.bus.remove(n.interfaces[name].object)
		}
		s.bus.remove(n.all)
	}
}

// SetInterface makes an interface, or changes it. As netifd does, it sends the event network.interface when the
// interface comes up or goes down, and notifies subscribers of every change.
func (s *Server) SetInterface(name string, now Interface) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &s.netifd
	was, known := n.interfaces[name]
	if !known {
		was = &state{}
		n.interfaces[name] = was
	}
	if now.Up && (!was.Up || now.Uptime > 0) {
		was.since = time.Now().Add(-now.Uptime)
	}
	changed := was.Up != now.Up
	was.Interface = now
	if n.gone {
		return
	}
	if !known {
		n.publishOne(name)
	}
	n.announce(name, changed)
}

// RemoveInterface takes an interface away.
func (s *Server) RemoveInterface(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	removed, known := s.netifd.interfaces[name]
	if !known {
		return
	}
	delete(s.netifd.interfaces, name)
	if !s.netifd.gone {
		s.bus.remove(removed.object)
	}
}

// announce sends what netifd sends about an interface that it has set up, changed or taken down.
func (n *netifd) announce(name string, changed bool) {
	iface := n.interfaces[name]
	action, update := "ifdown", "interface.down"
	if iface.Up {
		action, update = "ifup", "interface.update"
	}
	if changed {
		n.server.bus.event(nil, interfacePath, ubus.Table{{Name: "action", Value: action}, {Name: "interface", Value: name}})
	}
	if changed || iface.Up {
		n.server.bus.notify(n.all, update, n.entry(name))
		n.server.bus.notify(iface.object, update, n.entry(name))
	}
}

// handle answers for the object of all interfaces.
func (n *netifd) handle(method string, args ubus.Table) (ubus.Table, ubus.Status) {
	if method == "dump" {
		return n.dump(), ubus.StatusOK
	}
	name, given := args.Get("interface").(string)
	if !given {
		return nil, ubus.StatusInvalidArgument
	}
	if _, known := n.interfaces[name]; !known {
		return nil, ubus.StatusNotFound
	}
	return n.status(name), ubus.StatusOK
}

func (n *netifd) dump() ubus.Table {
	var list ubus.Array
	for _, name := range n.names() {
		list = append(list, n.entry(name))
	}
	return ubus.Table{{Name: "interface", Value: list}}
}

// entry is an interface's status with its name in front.
func (n *netifd) entry(name string) ubus.Table {
	return append(ubus.Table{{Name: "interface", Value: name}}, n.status(name)...)
}

func (n *netifd) names() []string {
	var names []string
	for name := range n.interfaces {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
