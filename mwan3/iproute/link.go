package iproute

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// Link is a network device.
type Link struct {
	Name    string
	Index   int
	Up      bool           // switched on
	Running bool           // and able to send: cable, association or session there
	Addrs   []netip.Prefix // of both families, the addresses themselves with their prefix length, in the kernel's order
}

// Links returns all devices in the kernel's order, with their addresses of both families.
func (h *Handle) Links() ([]Link, error) {
	var links []Link
	position := make(map[uint32]int)
	err := h.eachLink(func() { links = nil; clear(position) }, func(index uint32, link Link) {
		position[index] = len(links)
		links = append(links, link)
	})
	if err != nil {
		return nil, err
	}
	restart := func() {
		for i := range links {
			links[i].Addrs = nil
		}
	}
	err = h.conn.dump(unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), restart, func(body []byte) error {
		index, addr, err := decodeAddr(body)
		if i, known := position[index]; known && addr.IsValid() {
			links[i].Addrs = append(links[i].Addrs, addr)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return links, nil
}

// linkRequest asks for all links without their counters (RTEXT_FILTER_SKIP_STATS of linux/rtnetlink.h).
func linkRequest() []byte {
	const skipStats = 1 << 3
	return appendNumber(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_EXT_MASK, skipStats)
}

func (h *Handle) eachLink(restart func(), each func(index uint32, link Link)) error {
	err := h.conn.dump(unix.RTM_GETLINK, linkRequest(), restart, func(body []byte) error {
		link, err := decodeLink(body)
		if err == nil && body[0] == unix.AF_UNSPEC {
			each(uint32(link.Index), link)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	return nil
}

// decodeLink decodes a struct ifinfomsg and its attributes.
func decodeLink(body []byte) (Link, error) {
	if len(body) < unix.SizeofIfInfomsg {
		return Link{}, errMalformed
	}
	flags := binary.NativeEndian.Uint32(body[8:])
	link := Link{
		Index:   int(binary.NativeEndian.Uint32(body[4:])),
		Up:      flags&unix.IFF_UP != 0,
		Running: flags&unix.IFF_UP != 0 && flags&unix.IFF_LOWER_UP != 0,
	}
	a := attributes{rest: body[unix.SizeofIfInfomsg:]}
	for a.next() {
		if a.typ == unix.IFLA_IFNAME {
			link.Name = a.text()
		}
	}
	return link, a.err
}

// decodeAddr decodes a struct ifaddrmsg and its attributes. Addresses of foreign families are invalid.
func decodeAddr(body []byte) (index uint32, addr netip.Prefix, err error) {
	if len(body) < unix.SizeofIfAddrmsg {
		return 0, netip.Prefix{}, errMalformed
	}
	family, ok := familyOf(body[0])
	if !ok {
		return 0, netip.Prefix{}, nil
	}
	var local, far netip.Addr
	a := attributes{rest: body[unix.SizeofIfAddrmsg:]}
	for a.next() {
		switch a.typ {
		case unix.IFA_LOCAL:
			local = a.addr(family)
		case unix.IFA_ADDRESS:
			far = a.addr(family)
		}
	}
	if !local.IsValid() { // IPv6 without a peer; with one, IFA_ADDRESS is the peer's
		local = far
	}
	return binary.NativeEndian.Uint32(body[4:]), netip.PrefixFrom(local, int(body[1])), a.err
}

// deviceHasIPv6 tells whether IPv6 is enabled on any device.
func (h *Handle) deviceHasIPv6() (bool, error) {
	found := false
	err := h.conn.dump(unix.RTM_GETLINK, linkRequest(), func() {}, func(body []byte) error {
		if len(body) < unix.SizeofIfInfomsg {
			return errMalformed
		}
		found = found || usesIPv6(body[unix.SizeofIfInfomsg:])
		return nil
	})
	return found, err
}

// usesIPv6 looks for the device's setting disable_ipv6 under IFLA_AF_SPEC, AF_INET6, IFLA_INET6_CONF.
func usesIPv6(link []byte) bool {
	const disableIPv6 = 26 // DEVCONF_DISABLE_IPV6 of linux/ipv6.h
	conf := nested(nested(nested(link, unix.IFLA_AF_SPEC), unix.AF_INET6), unix.IFLA_INET6_CONF)
	if len(conf) < 4*(disableIPv6+1) {
		return false
	}
	return binary.NativeEndian.Uint32(conf[4*disableIPv6:]) == 0
}

// nested returns the value of the attribute, nil if it is missing.
func nested(b []byte, typ uint16) []byte {
	for a := (attributes{rest: b}); a.next(); {
		if a.typ == typ {
			return a.value
		}
	}
	return nil
}

// devices maps names to indexes and back.
type devices struct {
	names   map[uint32]string
	indexes map[string]uint32
}

func (h *Handle) devices() (devices, error) {
	d := devices{names: make(map[uint32]string), indexes: make(map[string]uint32)}
	restart := func() { clear(d.names); clear(d.indexes) }
	err := h.eachLink(restart, func(index uint32, link Link) {
		d.names[index] = link.Name
		d.indexes[link.Name] = index
	})
	return d, err
}

// name returns the device's name, or if7 for one that has no name (any more).
func (d devices) name(index uint32) string {
	if name, ok := d.names[index]; ok {
		return name
	}
	return fmt.Sprintf("if%d", index)
}

// knows tells whether the route's devices exist, and names the first that does not.
func (d devices) knows(r *network.Route) (missing string, ok bool) {
	if _, ok := d.indexes[r.Device]; r.Device != "" && !ok {
		return r.Device, false
	}
	for _, hop := range r.Nexthops {
		if _, ok := d.indexes[hop.Device]; hop.Device != "" && !ok {
			return hop.Device, false
		}
	}
	return "", true
}
