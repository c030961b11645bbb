package iproute

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

func TestLinksHaveStateAndAddresses(t *testing.T) {
	newNamespace(t)
	ip(t, "link set peer1 down")
	ip(t, "addr flush dev wan0")
	ip(t, "addr add 192.0.2.1/24 dev wan0")
	ip(t, "addr add 192.0.2.2/24 dev wan0")
	ip(t, "addr add 203.0.113.1 peer 203.0.113.9/32 dev wan0")
	ip(t, "-6 addr add 2001:db8:7::1/64 dev wan0 nodad")
	links, err := open(t).Links()
	succeed(t, err)
	got := make(map[string]Link)
	for _, link := range links {
		if link.Index != index(t, link.Name) {
			t.Errorf("%s has index %d", link.Name, link.Index)
		}
		link.Index = 0
		got[link.Name] = link
	}
	wan0 := []netip.Prefix{prefix("192.0.2.1/24"), prefix("203.0.113.1/32"), prefix("192.0.2.2/24"), prefix("2001:db8:7::1/64")}
	expect(t, "wan0", got["wan0"], Link{Name: "wan0", Up: true, Running: true, Addrs: wan0})
	expect(t, "lo", got["lo"], Link{Name: "lo", Up: true, Running: true, Addrs: []netip.Prefix{prefix("127.0.0.1/8"), prefix("::1/128")}})
	expect(t, "peer1", got["peer1"], Link{Name: "peer1"})
	if wan1 := got["wan1"]; !wan1.Up || wan1.Running {
		t.Errorf("wan1 without carrier: %+v", wan1)
	}
}

func TestAnIPv6AddressWithAPeerIsTheLocalOne(t *testing.T) {
	body := []byte{unix.AF_INET6, 128, 0, 0, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(body[4:], 7)
	body = appendAddr(body, unix.IFA_ADDRESS, addr("2001:db8::2"))
	body = appendAddr(body, unix.IFA_LOCAL, addr("2001:db8::1"))
	device, got, err := decodeAddr(body)
	succeed(t, err)
	expect(t, "address", got, prefix("2001:db8::1/128"))
	expect(t, "device", device, uint32(7))
}

func TestFamiliesFollowDisableIPv6(t *testing.T) {
	newNamespace(t)
	h := open(t)
	both := []network.Family{network.IPv4, network.IPv6}
	expect(t, "enabled", h.Families(), both)
	setSysctl(t, "net/ipv6/conf/all/disable_ipv6", "1")
	expect(t, "disabled", h.Families(), []network.Family{network.IPv4})
	setSysctl(t, "net/ipv6/conf/wan1/disable_ipv6", "0")
	expect(t, "enabled on one device", h.Families(), both)
}

func TestWithoutIPv6RoutesGoInAndAreNamedWhenTheyCannot(t *testing.T) {
	newNamespace(t)
	h := open(t)
	setSysctl(t, "net/ipv6/conf/all/disable_ipv6", "1")
	good := via("10.0.0.0/8", "192.0.2.2", "wan0")
	err := h.EditRoutes([]network.Route{dev("2001:db8:a::/64", "wan0"), good}, nil)
	expectRefusal(t, err, "add route 2001:db8:a::/64 dev wan0 proto static metric 1024 pref medium table 1: permission denied")
	expect(t, "routes", list(t, h, 1), []network.Route{good})
	expect(t, "rules", rules(t, h), kernelRules)
}
