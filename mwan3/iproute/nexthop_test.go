package iproute

import (
	"net/netip"
	"testing"

	"mwan3/network"
)

func TestNextHopIsWhomPacketsToTheInternetAreGivenTo(t *testing.T) {
	newNamespace(t)
	h := open(t)
	wan0 := index(t, "wan0")
	for _, step := range []struct {
		command string
		family  network.Family
		mark    uint32
		want    string
	}{
		{"route add default via 192.0.2.9 dev wan0", network.IPv4, 0, "192.0.2.9"},
		{"route add default via 192.0.2.8 dev wan0 table 77", network.IPv4, 0, "192.0.2.9"},
		{"rule add pref 9 fwmark 0x100/0x3f00 lookup 77", network.IPv4, 0x100, "192.0.2.8"},
		{"route change default dev wan0", network.IPv4, 0, ""},
		{"route del default", network.IPv4, 0, ""},
		{"-6 route add default via fe80::9 dev wan0", network.IPv6, 0, "fe80::9"},
		{"-6 route del default", network.IPv6, 0, ""},
	} {
		ip(t, step.command)
		want, _ := netip.ParseAddr(step.want)
		got, err := h.NextHop(step.family, wan0, step.mark)
		if got != want || err != nil {
			t.Errorf("after ip %s: %v, %v, want %q", step.command, got, err, step.want)
		}
	}
}
