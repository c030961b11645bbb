package ubusd

import (
	"net/netip"
	"time"

	"mwan3/ubus"
)

// The types of arguments in signatures (blobmsg.h).
const (
	argArray = 1
	argTable = 2
	argText  = 3
	argInt   = 5
	argBool  = 7
)

// builder appends to a table field by field.
type builder struct{ ubus.Table }

func (b *builder) add(name string, value ubus.Value) {
	b.Table = append(b.Table, ubus.Field{Name: name, Value: value})
}

// addIf adds the field if it is wanted.
func (b *builder) addIf(wanted bool, name string, value ubus.Value) {
	if wanted {
		b.add(name, value)
	}
}

// status returns an interface's status with netifd's names, types and order.
func (n *netifd) status(name string) ubus.Table {
	iface := n.interfaces[name]
	var b builder
	b.add("up", iface.Up)
	b.add("pending", false)
	b.add("available", true)
	b.add("autostart", true)
	b.add("dynamic", false)
	if iface.Up {
		b.add("uptime", uint32(time.Since(iface.since)/time.Second))
		b.addIf(iface.Device != "", "l3_device", iface.Device)
	}
	b.add("proto", orElse(iface.Proto, "static"))
	parent := orElse(iface.Parent, iface.Device)
	b.addIf(parent != "", "device", parent)
	if iface.Up {
		n.addLive(&b, name)
	}
	b.add("data", ubus.Table{})
	return b.Table
}

func orElse(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// addLive adds what only an interface that is up has.
func (n *netifd) addLive(b *builder, name string) {
	iface := n.interfaces[name].Interface
	updated := updates(iface)
	b.addIf(updated != nil, "updated", updated)
	b.add("metric", iface.Metric)
	b.add("dns_metric", 0)
	b.add("delegation", true)
	b.add("ipv4-address", addresses(iface, 32))
	b.add("ipv6-address", addresses(iface, 128))
	b.add("ipv6-prefix", n.prefixes(name))
	b.add("ipv6-prefix-assignment", assignments(iface))
	b.add("route", routes(iface))
	b.add("dns-server", servers(iface))
	b.add("dns-search", ubus.Array{})
	b.add("neighbors", ubus.Array{})
	b.add("inactive", nothing())
}

// updates names what changed when the interface came up.
func updates(iface Interface) ubus.Array {
	var names ubus.Array
	if len(iface.Addrs)+len(iface.Local) > 0 {
		names = append(names, "addresses")
	}
	if len(iface.Routes) > 0 {
		names = append(names, "routes")
	}
	if len(iface.Prefixes) > 0 {
		names = append(names, "prefixes")
	}
	return names
}

func addressTable(addr netip.Addr, mask int) ubus.Table {
	return ubus.Table{{Name: "address", Value: addr.String()}, {Name: "mask", Value: mask}}
}

// addresses lists those with that many bits.
func addresses(iface Interface, bits int) ubus.Array {
	var list ubus.Array
	for _, p := range iface.Addrs {
		if p.Addr().BitLen() != bits {
			continue
		}
		entry := builder{addressTable(p.Addr(), p.Bits())}
		entry.addIf(bits == 32 && iface.Peer.IsValid(), "ptpaddress", iface.Peer.String())
		list = append(list, entry.Table)
	}
	return list
}

// prefixes lists the delegated prefixes and to whom parts of them are assigned.
func (n *netifd) prefixes(name string) ubus.Array {
	var list ubus.Array
	for _, p := range n.interfaces[name].Prefixes {
		entry := builder{addressTable(p.Addr(), p.Bits())}
		entry.add("class", name)
		entry.add("assigned", n.assigned(p))
		list = append(list, entry.Table)
	}
	return list
}

func (n *netifd) assigned(p netip.Prefix) ubus.Table {
	var b builder
	for _, name := range n.names() {
		for _, local := range n.interfaces[name].Local {
			if p.Contains(local.Addr()) {
				b.add(name, addressTable(local.Masked().Addr(), local.Bits()))
			}
		}
	}
	return b.Table
}

func assignments(iface Interface) ubus.Array {
	var list ubus.Array
	for _, local := range iface.Local {
		entry := builder{addressTable(local.Masked().Addr(), local.Bits())}
		entry.add("local-address", addressTable(local.Addr(), local.Bits()))
		list = append(list, entry.Table)
	}
	return list
}

func routes(iface Interface) ubus.Array {
	var list ubus.Array
	for _, r := range iface.Routes {
		whole := netip.IPv4Unspecified()
		if r.Target.Addr().Is6() {
			whole = netip.IPv6Unspecified()
		}
		nexthop := r.Nexthop
		if !nexthop.IsValid() {
			nexthop = whole
		}
		entry := builder{ubus.Table{{Name: "target", Value: r.Target.Addr().String()}, {Name: "mask", Value: r.Target.Bits()},
			{Name: "nexthop", Value: nexthop.String()}}}
		entry.addIf(r.Metric != 0, "metric", r.Metric)
		entry.add("source", whole.String()+"/0")
		list = append(list, entry.Table)
	}
	return list
}

func servers(iface Interface) ubus.Array {
	var list ubus.Array
	for _, server := range iface.DNS {
		list = append(list, server.String())
	}
	return list
}

// nothing is what netifd shows under inactive when all that is configured is in use.
func nothing() ubus.Table {
	var b builder
	for _, name := range []string{"ipv4-address", "ipv6-address", "route", "dns-server", "dns-search", "neighbors"} {
		b.add(name, ubus.Array{})
	}
	return b.Table
}
