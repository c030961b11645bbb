package ubusd

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/network"
	"mwan3/ubus"
)

func prefixes(all ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range all {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

func wan() Interface {
	return Interface{Up: true, Proto: "pppoe", Device: "pppoe-wan", Parent: "eth1", Uptime: time.Hour, Metric: 10,
		Addrs: prefixes("198.51.100.7/32", "2001:db8:1::2/64"), Peer: netip.MustParseAddr("198.51.100.1"),
		Prefixes: prefixes("2001:db8:ff00::/48"), DNS: []netip.Addr{netip.MustParseAddr("198.51.100.53")},
		Routes: []Route{{Target: netip.MustParsePrefix("0.0.0.0/0"), Nexthop: netip.MustParseAddr("198.51.100.1")},
			{Target: netip.MustParsePrefix("2001:db8:2::/64"), Metric: 5}}}
}

func lan() Interface {
	return Interface{Up: true, Device: "br-lan", Uptime: time.Minute, Addrs: prefixes("192.168.1.1/24"),
		Local: prefixes("2001:db8:ff00::1/60")}
}

func TestTheClientReadsWhatNetifdHas(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", wan())
	s.SetInterface("lan", lan())
	s.SetInterface("wanb", Interface{Parent: "eth2"})
	s.SetInterface("gone", Interface{})
	s.RemoveInterface("gone")
	got, err := ubus.Interfaces(within(t), path)
	for name, iface := range got {
		if iface.Up && iface.Uptime >= 60 && iface.Uptime < 3700 {
			iface.Uptime = 1
			got[name] = iface
		}
	}
	want := map[string]network.Interface{
		"wan": {Name: "wan", Up: true, Device: "pppoe-wan", Uptime: 1,
			Addrs: prefixes("198.51.100.7/32", "2001:db8:1::2/64"), Prefixes: prefixes("2001:db8:ff00::/48")},
		"lan":  {Name: "lan", Up: true, Device: "br-lan", Uptime: 1, Addrs: prefixes("192.168.1.1/24", "2001:db8:ff00::1/60")},
		"wanb": {Name: "wanb"},
	}
	same := cmp.Options{cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b })}
	if diff := cmp.Diff(want, got, same); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}

func TestStatusHasNetifdsNamesTypesAndOrder(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", wan())
	s.SetInterface("lan", lan())
	none := ubus.Array(nil)
	address := func(text string, mask int) ubus.Table { return row("address", text, "mask", int64(mask)) }
	want := row("up", true, "pending", false, "available", true, "autostart", true, "dynamic", false, "uptime", int64(1),
		"l3_device", "pppoe-wan", "proto", "pppoe", "device", "eth1",
		"updated", ubus.Array{"addresses", "routes", "prefixes"},
		"metric", int64(10), "dns_metric", int64(0), "delegation", true,
		"ipv4-address", ubus.Array{append(address("198.51.100.7", 32), ubus.Field{Name: "ptpaddress", Value: "198.51.100.1"})},
		"ipv6-address", ubus.Array{address("2001:db8:1::2", 64)},
		"ipv6-prefix", ubus.Array{append(address("2001:db8:ff00::", 48), row("class", "wan",
			"assigned", row("lan", address("2001:db8:ff00::", 60)))...)},
		"ipv6-prefix-assignment", none,
		"route", ubus.Array{
			row("target", "0.0.0.0", "mask", int64(0), "nexthop", "198.51.100.1", "source", "0.0.0.0/0"),
			row("target", "2001:db8:2::", "mask", int64(64), "nexthop", "::", "metric", int64(5), "source", "::/0")},
		"dns-server", ubus.Array{"198.51.100.53"}, "dns-search", none, "neighbors", none,
		"inactive", row("ipv4-address", none, "ipv6-address", none, "route", none, "dns-server", none, "dns-search", none,
			"neighbors", none),
		"data", ubus.Table(nil))
	client := dial(t, path)
	for object, args := range map[string]ubus.Table{"network.interface.wan": nil, "network.interface": row("interface", "wan")} {
		got := call(t, client, object, "status", args)
		if seconds := got.Int("uptime"); seconds < 3600 || seconds > 3700 {
			t.Errorf("uptime %d", seconds)
		}
		for i := range got {
			if got[i].Name == "uptime" {
				got[i].Value = int64(1)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", object, diff)
		}
	}
	for _, object := range []string{"network.interface", "network.interface.lan"} {
		if n := len(call(t, client, object, "dump", nil).Array("interface")); n != 2 {
			t.Errorf("the dump of %s has %d interfaces", object, n)
		}
	}
}

func TestNetifdRefusesAsTheTrueOne(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", Interface{})
	client := dial(t, path)
	tests := map[string]struct {
		object, method string
		args           ubus.Table
		want           error
	}{
		"no interface named":    {"network.interface", "status", nil, ubus.StatusInvalidArgument},
		"unknown interface":     {"network.interface", "status", row("interface", "x"), ubus.StatusNotFound},
		"unknown method":        {"network.interface", "x", nil, ubus.StatusMethodNotFound},
		"unknown method of one": {"network.interface.wan", "x", nil, ubus.StatusMethodNotFound},
		"unknown object":        {"network.interface.x", "status", nil, ubus.NoObject},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := client.Call(within(t), test.object, test.method, test.args)
			if got != nil || !errors.Is(err, test.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestChangesOfAnInterfaceAreToldLikeNetifdTellsThem(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", Interface{Parent: "eth1"})
	client := dial(t, path)
	if err := client.Listen(within(t), "network.interface"); err != nil {
		t.Fatal(err)
	}
	if err := client.Subscribe(within(t), "network.interface.wan"); err != nil {
		t.Fatal(err)
	}
	down := call(t, client, "network.interface.wan", "status", nil)
	steps := []struct {
		now    Interface
		action string // of the event; "" = no event
		update string // the notification
	}{
		{Interface{Up: true, Device: "eth1"}, "ifup", "interface.update"},
		{Interface{Up: true, Device: "eth1", Metric: 7}, "", "interface.update"},
		{Interface{Parent: "eth1"}, "ifdown", "interface.down"},
	}
	for _, step := range steps {
		s.SetInterface("wan", step.now)
		if step.action != "" {
			expectEvent(t, client, ubus.Event{Name: "network.interface", Data: row("action", step.action, "interface", "wan")})
		}
		got, err := client.Next(within(t))
		if err != nil || got.Name != step.update || got.Data.Text("interface") != "wan" || got.Data.Bool("up") != step.now.Up ||
			got.Data.Int("metric") != int64(step.now.Metric) {
			t.Errorf("got %v, %v", got, err)
		}
		if !step.now.Up && cmp.Diff(append(row("interface", "wan"), down...), got.Data) != "" {
			t.Errorf("down as %v", got.Data)
		}
	}
	s.SetInterface("wan", Interface{Parent: "eth1"})
	s.RemoveInterface("wan")
	s.RemoveInterface("wan")
	expectEvent(t, client, ubus.Event{Name: ubus.Unsubscribed})
}

func TestAClientSurvivesARestartOfNetifd(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", Interface{Up: true})
	client := dial(t, path)
	call(t, client, "network.interface", "dump", nil)
	s.SetNetifd(false)
	s.SetNetifd(false)
	s.SetInterface("wanb", Interface{Up: true})
	s.SetInterface("wanc", Interface{Up: true})
	s.RemoveInterface("wanc")
	if _, err := client.Interfaces(within(t)); !errors.Is(err, ubus.NoObject) || !ubus.Passing(err) {
		t.Errorf("while it is gone: %v", err)
	}
	s.SetNetifd(true)
	got, err := client.Interfaces(within(t))
	if len(got) != 2 || err != nil {
		t.Errorf("when it is back: %v, %v", got, err)
	}
}

func TestInterfacesWaitsForNetifd(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", Interface{Up: true})
	s.SetNetifd(false)
	ctx := within(t)
	done := make(chan error)
	go func() {
		got, err := ubus.Interfaces(ctx, path)
		if len(got) != 1 && err == nil {
			err = errors.New("not one interface")
		}
		done <- err
	}()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	s.SetNetifd(true)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestARestartOfUbusdEndsConnectionsAndChangesIDs(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wan", Interface{Up: true})
	s.Mute("network.interface", true)
	client := dial(t, path)
	ctx := within(t)
	done := make(chan error)
	go func() {
		_, err := client.Call(ctx, "network.interface", "dump", nil)
		done <- err
	}()
	before := idOf(s, "network.interface")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ubus.Lost) {
		t.Errorf("the call ended with %v", err)
	}
	if idOf(s, "network.interface") == before {
		t.Error("the object has its old id")
	}
	s.Mute("network.interface", false)
	if got, err := ubus.Interfaces(within(t), path); len(got) != 1 || err != nil {
		t.Errorf("afterwards %v, %v", got, err)
	}
}

func idOf(s *Server, path string) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bus.paths[path].id
}
