package survey

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
)

func TestWithoutNetifdTheKernelSaysWhatIsUp(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("10.0.1.2/24"), netip.MustParsePrefix("2001:db8:1::2/64")
	local := netip.MustParsePrefix("fe80::1/64")
	for _, tt := range []struct {
		name   string
		link   iproute.Link
		family network.Family
		want   bool
	}{
		{"a device with carrier and address", iproute.Link{Up: true, Running: true, Addrs: []netip.Prefix{v4}}, network.IPv4, true},
		{"without carrier", iproute.Link{Up: true, Addrs: []netip.Prefix{v4}}, network.IPv4, false},
		{"administratively down", iproute.Link{Running: true, Addrs: []netip.Prefix{v4}}, network.IPv4, false},
		{"with an address of the other family", iproute.Link{Up: true, Running: true, Addrs: []netip.Prefix{v6}}, network.IPv4, false},
		{"IPv6", iproute.Link{Up: true, Running: true, Addrs: []netip.Prefix{local, v6}}, network.IPv6, true},
		{"IPv6 with a link-local address only", iproute.Link{Up: true, Running: true, Addrs: []netip.Prefix{local}}, network.IPv6, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.link.Name = "eth1"
			gateway := netip.MustParseAddr("10.0.1.1")
			cfg := config.Config{Interfaces: []config.Interface{
				{Name: "wan", Family: tt.family, Device: "eth1", Gateway: gateway},
				{Name: "gone", Device: "eth9"},
				{Name: "nameless"},
			}}
			want := map[string]network.Interface{
				"wan":  {Name: "wan", Device: "eth1", Up: tt.want, Addrs: tt.link.Addrs, Gateway: gateway},
				"gone": {Name: "gone", Device: "eth9"},
				"eth1": {Name: "eth1", Device: "eth1", Up: tt.link.Up && tt.link.Running, Addrs: tt.link.Addrs},
			}
			got := fromLinks(cfg, []iproute.Link{tt.link})
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}
