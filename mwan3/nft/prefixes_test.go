package nft

import (
	"net/netip"
	"testing"

	"mwan3/config"
)

func TestPrefixesThatAnotherCoversAreLeftOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ have, want4, want6 []string }{
		{nil, nil, nil},
		{[]string{"10.1.0.2/32", "10.1.0.0/24", "10.1.0.255/32", "10.1.0.0/24"}, []string{"10.1.0.0/24"}, nil},
		{[]string{"10.0.1.0/24", "10.0.0.0/24"}, []string{"10.0.0.0/24", "10.0.1.0/24"}, nil},
		{[]string{"192.0.2.1/32", "0.0.0.0/0", "::/0", "2001:db8::/32"}, []string{"0.0.0.0/0"}, []string{"::/0"}},
		{[]string{"10.1.2.3/8", "fe80::1/64", "fe80::/10"}, []string{"10.0.0.0/8"}, []string{"fe80::/10"}},
		{[]string{"::ffff:192.0.2.0/120", "192.0.2.0/24"}, []string{"192.0.2.0/24"}, []string{"::ffff:192.0.2.0/120"}},
	} {
		have := append(prefixes(test.have...), netip.Prefix{})
		if test.want4 != nil {
			same(t, "ipv4", prefixes(test.want4...), Uncovered(have, v4))
		}
		if test.want6 != nil {
			same(t, "ipv6", prefixes(test.want6...), Uncovered(have, v6))
		}
	}
}

func FuzzUncoveredPrefixesCoverTheSameAddressesAndNeverOverlap(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1, 8, 10, 1, 2, 3, 24})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		var have []netip.Prefix
		for ; len(bytes) >= 5; bytes = bytes[5:] {
			have = append(have, netip.PrefixFrom(netip.AddrFrom4([4]byte(bytes)), int(bytes[4])%33))
		}
		kept := Uncovered(have, v4)
		for i := 1; i < len(kept); i++ {
			if kept[i-1].Overlaps(kept[i]) || kept[i].Addr().Less(kept[i-1].Addr()) {
				t.Errorf("%v and %v", kept[i-1], kept[i])
			}
		}
		for _, p := range have {
			if !covered(p, kept) {
				t.Errorf("%v is lost", p)
			}
		}
	})
}

func covered(p netip.Prefix, by []netip.Prefix) bool {
	for _, b := range by {
		if b.Bits() <= p.Bits() && b.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

func TestPortsThatOverlapAreJoined(t *testing.T) {
	t.Parallel()
	list := []config.Ports{{First: 80, Last: 80}, {First: 1, Last: 100}, {First: 65535, Last: 65535}, {First: 100, Last: 200}, {First: 202, Last: 300}}
	same(t, "ports", []string{"tcp dport 65535 ", "tcp dport 1-200 ", "tcp dport 202-300 "}, ports("tcp dport", list))
	list = []config.Ports{{First: 443, Last: 443}, {First: 80, Last: 80}, {First: 443, Last: 443}}
	same(t, "single ports", []string{"udp sport { 80, 443 } "}, ports("udp sport", list))
}
