package iproute

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// routeDecoder turns routing messages into routes.
type routeDecoder struct {
	devices devices
	unknown bool // a device was met that is not among devices
}

func (d *routeDecoder) device(index uint32) string {
	if _, ok := d.devices.names[index]; !ok {
		d.unknown = true
	}
	return d.devices.name(index)
}

// decode decodes a struct rtmsg and its attributes. It returns false for what is no route of the tables: copies that
// the kernel caches, and foreign families.
func (d *routeDecoder) decode(body []byte) (network.Route, bool, error) {
	if len(body) < unix.SizeofRtMsg {
		return network.Route{}, false, errMalformed
	}
	family, ok := familyOf(body[0])
	flags := binary.NativeEndian.Uint32(body[8:])
	if !ok || flags&unix.RTM_F_CLONED != 0 {
		return network.Route{}, false, nil
	}
	r := network.Route{
		Family: family, Type: network.RouteType(body[7]), TOS: body[3],
		Table: int(body[4]), Protocol: body[5], Scope: body[6],
		OnLink: flags&unix.RTNH_F_ONLINK != 0,
	}
	dst, src := zeroAddr(family), netip.Addr{}
	a := attributes{rest: body[unix.SizeofRtMsg:]}
	for a.next() {
		switch a.typ {
		case unix.RTA_DST:
			dst = a.addr(family)
		case unix.RTA_SRC:
			src = a.addr(family)
		default:
			d.attribute(&r, &a)
		}
	}
	r.Dst = netip.PrefixFrom(dst, int(body[1])).Masked()
	if src.IsValid() {
		r.Src = netip.PrefixFrom(src, int(body[2])).Masked()
	}
	if a.err == nil && (!r.Dst.IsValid() || src.IsValid() && !r.Src.IsValid()) {
		a.err = errMalformed
	}
	return r, true, a.err
}

// attribute takes what identifies the route or has to be copied with it; the rest (cacheinfo, expiry, the id of a
// nexthop object beside its content) describes the moment.
func (d *routeDecoder) attribute(r *network.Route, a *attributes) {
	switch a.typ {
	case unix.RTA_TABLE:
		r.Table = int(a.number())
	case unix.RTA_OIF:
		r.Device = d.device(a.number())
	case unix.RTA_GATEWAY:
		r.Gateway = a.addr(r.Family)
	case unix.RTA_VIA:
		r.Gateway = a.via()
	case unix.RTA_PRIORITY:
		r.Metric = a.number()
	case unix.RTA_PREFSRC:
		r.PrefSrc = a.addr(r.Family)
	case unix.RTA_PREF:
		if r.Family == network.IPv6 {
			r.Pref = uint8(a.number())
		}
	case unix.RTA_MULTIPATH:
		r.Nexthops = d.nexthops(r.Family, a)
	default:
		r.Opaque += opaque(a)
	}
}

// opaque returns the attribute as it is if it has to be copied, else nothing.
func opaque(a *attributes) string {
	switch a.typ {
	case unix.RTA_METRICS, unix.RTA_FLOW, unix.RTA_ENCAP, unix.RTA_ENCAP_TYPE:
		return string(appendAttr(nil, a.typ, a.value))
	}
	return ""
}

// nexthops decodes the structs rtnexthop of RTA_MULTIPATH.
func (d *routeDecoder) nexthops(f network.Family, a *attributes) []network.Nexthop {
	var hops []network.Nexthop
	for rest := a.value; len(rest) > 0; {
		if len(rest) < unix.SizeofRtNexthop {
			a.err = errMalformed
			return nil
		}
		size := int(binary.NativeEndian.Uint16(rest))
		if size < unix.SizeofRtNexthop || size > len(rest) {
			a.err = errMalformed
			return nil
		}
		hop, err := d.nexthop(f, rest[:size])
		if err != nil {
			a.err = err
			return nil
		}
		hops = append(hops, hop)
		rest = rest[min(align4(size), len(rest)):]
	}
	return hops
}

func (d *routeDecoder) nexthop(f network.Family, b []byte) (network.Nexthop, error) {
	hop := network.Nexthop{OnLink: b[2]&unix.RTNH_F_ONLINK != 0, Weight: int(b[3]) + 1}
	if index := binary.NativeEndian.Uint32(b[4:]); index != 0 {
		hop.Device = d.device(index)
	}
	a := attributes{rest: b[unix.SizeofRtNexthop:]}
	for a.next() {
		switch a.typ {
		case unix.RTA_GATEWAY:
			hop.Gateway = a.addr(f)
		case unix.RTA_VIA:
			hop.Gateway = a.via()
		default:
			hop.Opaque += opaque(&a)
		}
	}
	return hop, a.err
}

func zeroAddr(f network.Family) netip.Addr {
	if f == network.IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// appendRoute appends a message about the route. Its devices are known.
func (d devices) appendRoute(b []byte, typ, flags uint16, r *network.Route) []byte {
	b = appendHeader(b, typ, flags)
	b = append(b, kernelFamily(r.Family), byte(r.Dst.Bits()), byte(max(r.Src.Bits(), 0)), r.TOS,
		unix.RT_TABLE_UNSPEC, r.Protocol, r.Scope, byte(r.Type))
	b = binary.NativeEndian.AppendUint32(b, onLinkFlag(r.OnLink))
	b = appendNumber(b, unix.RTA_TABLE, uint32(r.Table))
	if r.Dst.Bits() > 0 {
		b = appendAddr(b, unix.RTA_DST, r.Dst.Addr())
	}
	if r.Src.IsValid() {
		b = appendAddr(b, unix.RTA_SRC, r.Src.Addr())
	}
	b = appendGateway(b, r.Family, r.Gateway)
	if r.Device != "" {
		b = appendNumber(b, unix.RTA_OIF, d.indexes[r.Device])
	}
	if r.Metric != 0 {
		b = appendNumber(b, unix.RTA_PRIORITY, r.Metric)
	}
	if r.PrefSrc.IsValid() {
		b = appendAddr(b, unix.RTA_PREFSRC, r.PrefSrc)
	}
	if r.Family == network.IPv6 {
		b = appendAttr(b, unix.RTA_PREF, []byte{r.Pref})
	}
	b = append(b, r.Opaque...)
	return d.appendNexthops(b, r)
}

func (d devices) appendNexthops(b []byte, r *network.Route) []byte {
	if len(r.Nexthops) == 0 {
		return b
	}
	start := len(b)
	b = appendAttr(b, unix.RTA_MULTIPATH, nil)
	for _, hop := range r.Nexthops {
		at := len(b)
		b = append(b, 0, 0, byte(onLinkFlag(hop.OnLink)), byte(hop.Weight-1))
		b = binary.NativeEndian.AppendUint32(b, d.indexes[hop.Device])
		b = append(appendGateway(b, r.Family, hop.Gateway), hop.Opaque...)
		binary.NativeEndian.PutUint16(b[at:], uint16(len(b)-at))
	}
	binary.NativeEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b
}

func appendGateway(b []byte, f network.Family, gateway netip.Addr) []byte {
	switch {
	case !gateway.IsValid():
		return b
	case gateway.BitLen() == f.Bits():
		return appendAddr(b, unix.RTA_GATEWAY, gateway)
	}
	family := unix.AF_INET
	if gateway.Is6() {
		family = unix.AF_INET6
	}
	via := binary.NativeEndian.AppendUint16(nil, uint16(family))
	return appendAttr(b, unix.RTA_VIA, append(via, gateway.AsSlice()...))
}

func onLinkFlag(onLink bool) uint32 {
	if onLink {
		return unix.RTNH_F_ONLINK
	}
	return 0
}
