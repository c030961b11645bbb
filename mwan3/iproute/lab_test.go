package iproute

import (
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"mwan3/emulation"
	"mwan3/network"
)

// newNamespace moves the test into a network namespace of its own with the veth pairs wan0–peer0 and wan1–peer1. The
// thread stays locked, so it ends with the test, and the namespace with it.
func newNamespace(t testing.TB) {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread()
	ns, err := netns.New()
	if err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() { ns.Close() })
	ip(t, "link set lo up")
	for _, id := range []string{"0", "1"} {
		ip(t, "link add wan"+id+" type veth peer name peer"+id)
		ip(t, "link set peer"+id+" up")
		ip(t, "link set wan"+id+" up")
	}
	ip(t, "addr add 192.0.2.1/24 dev wan0")
	ip(t, "addr add 198.51.100.1/24 dev wan1")
	ip(t, "addr add 2001:db8:1::1/64 dev wan0 nodad")
	ip(t, "addr add 2001:db8:2::1/64 dev wan1 nodad")
}

// ip runs the ip tool in the test's namespace and returns what it prints.
func ip(t testing.TB, command string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", command, err, out)
	}
	return string(out)
}

// ipLines is ip with the lines of one entry joined as network prints it, and without what describes the moment.
func ipLines(t testing.TB, command string) []string {
	t.Helper()
	out := strings.ReplaceAll(ip(t, command), "\n\tnexthop", " nexthop")
	out = strings.ReplaceAll(out, " [detached]", "")
	out = strings.ReplaceAll(out, " [unresolved]", "")
	out = strings.ReplaceAll(out, "  nexthop", " nexthop")
	var lines []string
	for _, line := range strings.Split(strings.TrimRight(out, "\n"), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

func open(t testing.TB) *Handle {
	t.Helper()
	h, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// list returns the routes of the tables.
func list(t testing.TB, h *Handle, tables ...int) []network.Route {
	t.Helper()
	routes, err := h.RoutesIn(tables...)
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

func expect(t testing.TB, what string, got, want any) {
	t.Helper()
	options := []cmp.Option{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func succeed(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expectError compares the whole message.
func expectError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}

// expectRefusal is expectError without the kernel's explanations in parentheses, which differ between kernels.
func expectRefusal(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want:\n%s", want)
		return
	}
	got := regexp.MustCompile(` \([^)]*\)`).ReplaceAllString(err.Error(), "")
	if got != want {
		t.Errorf("error:\n%s\nwant:\n%s", got, want)
	}
}

func setSysctl(t testing.TB, path, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/"+path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func index(t testing.TB, device string) int {
	t.Helper()
	link, err := netlink.LinkByName(device)
	if err != nil {
		t.Fatal(err)
	}
	return link.Attrs().Index
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// route is a unicast route in table 1; change makes it special.
func route(dst string, change func(*network.Route)) network.Route {
	r := network.Route{Table: 1, Type: network.Unicast, Dst: prefix(dst), Protocol: 4}
	if r.Dst.Addr().Is6() {
		r.Family, r.Metric = network.IPv6, 1024
	}
	if change != nil {
		change(&r)
	}
	return r
}

// via is a route through a gateway.
func via(dst, gateway, device string) network.Route {
	return route(dst, func(r *network.Route) { r.Gateway, r.Device = addr(gateway), device })
}

// dev is a route to what is on the device itself.
func dev(dst, device string) network.Route {
	return route(dst, func(r *network.Route) {
		r.Device = device
		if r.Family == network.IPv4 {
			r.Scope = 253
		}
	})
}

func with(r network.Route, change func(*network.Route)) network.Route {
	change(&r)
	return r
}
