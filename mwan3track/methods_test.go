package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"mwan3/config"
	"mwan3/emulation"
	"mwan3/network"
	"mwan3track/probe"
)

func TestEveryMethodHasItsProber(t *testing.T) {
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // and never unlocked: the namespace ends with the thread
	must(t, syscall.Unshare(syscall.CLONE_NEWNET))
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	path := probe.Path{Family: network.IPv4, Device: "lo", Source: netip.MustParseAddr("127.0.0.1")}
	want := map[config.Method]string{
		config.Ping: "*probe.Ping", config.NpingICMP: "*probe.Ping", config.ARPing: "*probe.ARP", config.NpingARP: "*probe.ARP",
		config.NpingUDP: "*probe.UDP", config.NSLookup: "*probe.DNS", config.TCP: "*probe.series",
		config.NpingTCP: "*probe.series", config.HTTP: "*probe.series", config.HTTPing: "*probe.series",
	}
	for method, kind := range want {
		tracking := config.Tracking{Method: method, Count: 1, MaxTTL: 60, Timeout: time.Second}
		prober, err := openProber(path, tracking)
		must(t, err)
		if got := fmt.Sprintf("%T", prober); got != kind {
			t.Errorf("%s is a %s, want %s", method, got, kind)
		}
		must(t, prober.Close())
		if warning := unsupported(method, network.IPv4); warning != "" {
			t.Errorf("%s: %s", method, warning)
		}
	}
	if _, err := openProber(path, config.Tracking{Method: "smoke"}); err == nil || err.Error() != "unsupported tracking method: smoke" {
		t.Error(err)
	}
}

func TestPingStandsInForMethodsThatTheFamilyLacks(t *testing.T) {
	var got []string
	for _, method := range []config.Method{config.Ping, config.ARPing, config.NpingARP, config.HTTP, "smoke"} {
		got = append(got, unsupported(method, network.IPv6))
	}
	want := []string{"", "arping does not support IPv6. Please use another track method.",
		"nping-arp does not support IPv6. Please use another track method.", "", "Unsupported tracking method: smoke"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
