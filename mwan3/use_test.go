package main

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mwan3/bind"
	"mwan3/network"
)

func TestTheCommandOfUseIsWhatFollowsTheInterfaceAndExec(t *testing.T) {
	for _, tt := range []struct{ args, want []string }{
		{args: nil, want: nil},
		{args: []string{"wan"}, want: nil},
		{args: []string{"wan", ""}, want: nil},
		{args: []string{"wan", " ", ""}, want: nil},
		{args: []string{"wan", "exec"}, want: nil},
		{args: []string{"wan", "ping", "-c", "1"}, want: []string{"ping", "-c", "1"}},
		{args: []string{"wan", "exec", "ping", "two  blanks", ""}, want: []string{"ping", "two  blanks", ""}},
		{args: []string{"wan", "echo", "exec"}, want: []string{"echo", "exec"}},
		{args: []string{"wan", "exec", "exec", "ping"}, want: []string{"exec", "ping"}},
	} {
		if diff := cmp.Diff(tt.want, usedCommand(tt.args)); diff != "" {
			t.Errorf("%q: %s", tt.args, diff)
		}
	}
}

func TestAUsedInterfaceHasTheDeviceOfItsName(t *testing.T) {
	addrs := []netip.Prefix{netip.MustParsePrefix("192.0.2.2/24")}
	state := network.State{Interfaces: map[string]network.Interface{
		"wan":     {Name: "wan", Up: true, Device: "pppoe-wan"},
		"wan_4":   {Name: "wan_4", Up: true, Device: "other", Addrs: addrs},
		"modem":   {Name: "modem"},
		"modem_4": {Name: "modem_4", Up: true, Device: "wwan0", Addrs: addrs},
		"down":    {Name: "down", Device: "eth1"},
	}}
	for name, want := range map[string]network.Interface{
		"wan":    {Name: "wan_4", Up: true, Device: "pppoe-wan", Addrs: addrs},
		"modem":  {Name: "modem_4", Up: true, Device: "wwan0", Addrs: addrs},
		"down":   {Name: "down", Device: "eth1"},
		"absent": {},
	} {
		got := usedInterface(state, name, network.IPv4)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAProgramReadsItsBindingInFourVariables(t *testing.T) {
	b := bind.Binding{Family: network.IPv6, Device: "wan0", Source: netip.MustParseAddr("2001:db8::2"), Mark: 0x3f00, Route: 0x100}
	got := overlay([]string{"A=1", "DEVICE=before", "DEVICE2=x", "FAMILY=ipv4", "odd", "FWMARK=0x1=2"}, usedEnv(b))
	want := []string{"A=1", "DEVICE2=x", "odd", "DEVICE=wan0", "SRCIP=2001:db8::2", "FWMARK=0x3f00", "FAMILY=ipv6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
