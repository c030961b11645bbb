package network

import (
	"net/netip"
	"slices"
)

// Halves splits a prefix of more than one address.
func Halves(p netip.Prefix) (low, high netip.Prefix) {
	low = netip.PrefixFrom(p.Addr(), p.Bits()+1).Masked()
	raw := p.Masked().Addr().AsSlice()
	raw[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	addr, _ := netip.AddrFromSlice(raw)
	return low, netip.PrefixFrom(addr, p.Bits()+1)
}

// SortPrefixes sorts by address, then by length.
func SortPrefixes(prefixes []netip.Prefix) {
	slices.SortStableFunc(prefixes, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
}
