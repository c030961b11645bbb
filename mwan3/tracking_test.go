package main

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3/reply"
	"mwan3/uci"
)

const trackedConfig = `
config interface 'other'
	option enabled '1'
config interface 'wan'
	option enabled '1'
	option initial_state 'offline'
	list track_ip '192.0.2.7'
	list track_ip 'name.example'
	option track_gateway '1'
	option track_method 'http'
	option http_path '/"quoted"?a=\n'
	option interval '0.2'
config interface 'off'
	list track_ip '192.0.2.7'
`

func TestTrackersAreToldTheirSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mwan3")
	if err := os.WriteFile(file, []byte(trackedConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(uci.Layers{Files: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	section, _ := cfg.Interface("wan")
	got, err := reply.ParseSettings(settingsOf(cfg, "wan"))
	if err != nil {
		t.Fatal(err)
	}
	want := reply.Settings{Mask: config.DefaultMask, Interface: config.Interface{ID: 2, InitialOffline: true, Tracking: section.Tracking}}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]reply.Untracked{
		"none":  {Reason: "interface none is not in the configuration"},
		"off":   {Reason: "interface off is not enabled"},
		"other": {Reason: "interface other has no track_ip, there is nothing to track", Fine: true},
	} {
		if _, err := reply.ParseSettings(settingsOf(cfg, name)); err != want {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

func TestTrackersAreToldWhereTheirInterfaceIs(t *testing.T) {
	links := []iproute.Link{
		{Name: "br-lan", Index: 2, Addrs: []netip.Prefix{netip.MustParsePrefix("2001:db8:5::1/64")}},
		{Name: "eth1", Index: 3, Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.9/24")}},
	}
	addr := netip.MustParseAddr
	for _, test := range []struct {
		name   string
		iface  network.Interface
		family network.Family
		want   reply.Path
	}{
		{"netifd's address", network.Interface{Device: "eth1", Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}}, network.IPv4,
			reply.Path{Up: true, Device: "eth1", Index: 3, Source: addr("192.0.2.1"), Mark: 0x3f00}},
		{"the device's", network.Interface{Device: "eth1"}, network.IPv4,
			reply.Path{Up: true, Device: "eth1", Index: 3, Source: addr("192.0.2.9"), Guessed: true, Mark: 0x3f00}},
		{"one of the prefix that is delegated", network.Interface{Device: "eth1", Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:5::/48")}}, network.IPv6,
			reply.Path{Up: true, Family: network.IPv6, Device: "eth1", Index: 3, Source: addr("2001:db8:5::1"), Guessed: true, Mark: 0x3f00}},
		{"none", network.Interface{Device: "eth1"}, network.IPv6,
			reply.Path{Up: true, Family: network.IPv6, Device: "eth1", Index: 3, Guessed: true, Mark: 0x3f00}},
		{"a next hop of its own, and no device", network.Interface{Device: "eth9", Gateway: addr("192.0.2.254")}, network.IPv4,
			reply.Path{Up: true, Device: "eth9", Guessed: true, Mark: 0x200}},
	} {
		got := pathOf(config.Interface{ID: 2, Family: test.family}, config.DefaultMask, test.iface, links)
		if got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestWhoAsksWronglyIsTold(t *testing.T) {
	for _, command := range []string{"tracking", "path"} {
		var out, err bytes.Buffer
		code := cli{ctx: context.Background(), out: &out, err: &err}.run([]string{command, "a", "b"})
		if code != 1 || out.String() != "" || !strings.Contains(err.String(), "which interface?") {
			t.Errorf("%s: %d, %q, %q", command, code, out.String(), err.String())
		}
	}
}
