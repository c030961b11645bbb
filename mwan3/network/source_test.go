package network

import (
	"net/netip"
	"testing"
)

func TestProbesLeaveFromTheAddressThatIsKnownBest(t *testing.T) {
	parse := func(all ...string) (list []netip.Prefix) {
		for _, p := range all {
			list = append(list, netip.MustParsePrefix(p))
		}
		return list
	}
	both := Interface{Addrs: parse("198.51.100.7/24", "198.51.100.8/24", "2001:db8:1::2/64", "2001:db8:1::3/64")}
	delegated := Interface{Addrs: parse("198.51.100.7/24"), Prefixes: parse("2001:db8:ff00::/48", "2001:db8:ee00::/48")}
	router := parse("192.168.1.1/24", "2001:db8:ee00::1/64", "fe80::1/64", "2001:db8:ff00::1/60", "2001:db8:ff00::2/60")
	device := parse("203.0.113.4/24", "fe80::2/64", "2001:db8:1::9/64")
	tests := map[string]struct {
		iface   Interface
		family  Family
		device  []netip.Prefix
		router  []netip.Prefix
		want    string
		guessed bool
	}{
		"netifd's first IPv4 address":                  {both, IPv4, device, router, "198.51.100.7", false},
		"netifd's first IPv6 address":                  {both, IPv6, device, router, "2001:db8:1::2", false},
		"the first address in the first prefix":        {delegated, IPv6, device, router, "2001:db8:ff00::1", true},
		"the device's, none being in the first prefix": {delegated, IPv6, device, router[:3], "fe80::2", true},
		"the device's first IPv4 address":              {Interface{}, IPv4, device, router, "203.0.113.4", true},
		"no IPv4 address at all":                       {Interface{}, IPv4, nil, router, "0.0.0.0", true},
		"no IPv6 address at all":                       {Interface{}, IPv6, parse("203.0.113.4/24"), router, "::", true},
		"no link-local address counts as delegated": {Interface{Prefixes: parse("fe80::/10")}, IPv6, nil,
			parse("fe80::1/64"), "::", true},
		"prefixes do not matter to IPv4": {Interface{Prefixes: delegated.Prefixes}, IPv4, nil, router, "0.0.0.0", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, guessed := Source(test.iface, test.family, test.device, test.router)
			if got != netip.MustParseAddr(test.want) || guessed != test.guessed {
				t.Errorf("got %v, guessed %v; want %s, %v", got, guessed, test.want, test.guessed)
			}
		})
	}
}
