package network

import "net/netip"

// Source returns the address that the router's own probes through an interface leave from: the first of the family
// that netifd gave the interface; else, for IPv6, the first of the router's addresses (router, in the kernel's order)
// inside the first prefix delegated to the interface; else the first of its device (device), be it link-local; else
// the unspecified address. An address that netifd did not give is guessed: probes from it may be lost although the
// interface works, which is worth a warning (contracts 4, "Source address").
func Source(iface Interface, f Family, device, router []netip.Prefix) (addr netip.Addr, guessed bool) {
	if addr, ok := firstAddr(iface.Addrs, f); ok {
		return addr, false
	}
	if addr, ok := delegatedAddr(iface, f, router); ok {
		return addr, true
	}
	if addr, ok := firstAddr(device, f); ok {
		return addr, true
	}
	if f == IPv6 {
		return netip.IPv6Unspecified(), true
	}
	return netip.IPv4Unspecified(), true
}

func firstAddr(addrs []netip.Prefix, f Family) (netip.Addr, bool) {
	for _, p := range addrs {
		if p.Addr().BitLen() == f.Bits() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// delegatedAddr finds an address for an interface that has a prefix but no address of its own, as IPv6 over PPPoE
// often has: hosts answer to the LAN's address just as well.
func delegatedAddr(iface Interface, f Family, router []netip.Prefix) (netip.Addr, bool) {
	if f != IPv6 || len(iface.Prefixes) == 0 {
		return netip.Addr{}, false
	}
	for _, p := range router {
		if iface.Prefixes[0].Contains(p.Addr()) && p.Addr().IsGlobalUnicast() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}
