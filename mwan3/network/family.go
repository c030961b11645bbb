package network

import "net/netip"

// Family is an IP family. Its zero value is IPv4, upstream's default for an interface.
type Family uint8

// The two families, in the order in which everything is done for both.
const (
	IPv4 Family = iota
	IPv6
)

// Families lists both families in order.
var Families = [...]Family{IPv4, IPv6}

// String returns the UCI word for the family: ipv4 or ipv6.
func (f Family) String() string {
	if f == IPv6 {
		return "ipv6"
	}
	return "ipv4"
}

// Bits returns the length of the family's addresses: 32 or 128.
func (f Family) Bits() int {
	if f == IPv6 {
		return 128
	}
	return 32
}

// Everywhere is the family's default route's destination.
func Everywhere(f Family) netip.Prefix {
	if f == IPv6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// ParseFamily reads the UCI word for a family.
func ParseFamily(word string) (Family, bool) {
	for _, family := range Families {
		if family.String() == word {
			return family, true
		}
	}
	return 0, false
}
