package ubus

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/network"
)

func address(addr string, mask int) Table { return Table{{"address", addr}, {"mask", mask}} }

// dump is an answer of netifd, cut down to what matters and what must not matter.
func dump() Table {
	lan := Table{{"interface", "lan"}, {"up", true}, {"uptime", uint32(3000000000)}, {"l3_device", "br-lan"},
		{"ipv4-address", Array{address("192.168.1.1", 24)}},
		{"ipv6-prefix-assignment", Array{
			Table{{"address", "2001:db8:ff00::"}, {"mask", 60}, {"local-address", address("2001:db8:ff00::1", 60)}},
			Table{{"address", "2001:db8:ff10::"}, {"mask", 60}, {"local-address", Table{}}}}},
		{"ipv6-address", Array{address("fd00::1", 64)}}}
	wan := Table{{"interface", "wan"}, {"up", true}, {"uptime", 300}, {"l3_device", "pppoe-wan"}, {"device", "eth1"},
		{"ipv4-address", Array{append(address("198.51.100.7", 32), Field{"ptpaddress", "198.51.100.1"})}},
		{"ipv6-prefix", Array{append(address("2001:db8:ff00::", 48), Field{"assigned", Table{{"lan", address("2001:db8:ff00::", 60)}}})}},
		{"inactive", Table{{"ipv4-address", Array{address("203.0.113.9", 24)}}}}}
	odd := Table{{"interface", "odd"}, {"up", "yes"}, {"uptime", "long"}, {"ipv4-address", Array{"198.51.100.8",
		address("wan", 24), address("198.51.100.8", 33), Table{}, address("198.51.100.9", 24)}}, {"ipv6-address", "::1"},
		{"ipv6-prefix-assignment", Array{"x"}}}
	down := Table{{"interface", "wanb"}, {"up", false}, {"pending", true}, {"device", "eth2"}}
	return Table{{"interface", Array{lan, wan, odd, down, Table{{"up", true}}, "x"}}}
}

func interfaces() map[string]network.Interface {
	prefixes := func(all ...string) (list []netip.Prefix) {
		for _, p := range all {
			list = append(list, netip.MustParsePrefix(p))
		}
		return list
	}
	return map[string]network.Interface{
		"lan": {Name: "lan", Up: true, Device: "br-lan", Uptime: 3000000000,
			Addrs: prefixes("192.168.1.1/24", "fd00::1/64", "2001:db8:ff00::1/60")},
		"wan": {Name: "wan", Up: true, Device: "pppoe-wan", Uptime: 300,
			Addrs: prefixes("198.51.100.7/32"), Prefixes: prefixes("2001:db8:ff00::/48")},
		"odd":  {Name: "odd", Addrs: prefixes("198.51.100.9/24")},
		"wanb": {Name: "wanb"},
	}
}

// answerDump serves one whole connection of somebody who wants the interfaces.
func (p peer) answerDump() {
	p.say(Message{Type: MsgHello})
	p.answerLookup("network.interface", 5)
	seq := p.hearInvoke(5, "dump", nil)
	p.sayData(seq, dump())
	p.sayStatus(seq, StatusOK)
}

// same compares addresses as values.
func same() cmp.Option {
	return cmp.Options{cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b })}
}

func TestNetifdsAnswerBecomesInterfaces(t *testing.T) {
	path := listen(t, func(c net.Conn) { peer{t, c, NewReader(c)}.answerDump() })
	got, err := Interfaces(within(t), path)
	if diff := cmp.Diff(interfaces(), got, same()); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}

func TestAnAnswerWithoutInterfacesIsAnError(t *testing.T) {
	path := listen(t, func(c net.Conn) {
		p := peer{t, c, NewReader(c)}
		p.say(Message{Type: MsgHello})
		p.answerLookup("network.interface", 5)
		p.sayStatus(p.hearInvoke(5, "dump", nil), StatusOK)
	})
	got, err := Interfaces(within(t), path)
	if got != nil || !errors.Is(err, Garbled) || Passing(err) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAnInterfacelessNetifdIsNoError(t *testing.T) {
	path := listen(t, func(c net.Conn) {
		p := peer{t, c, NewReader(c)}
		p.say(Message{Type: MsgHello})
		p.answerLookup("network.interface", 5)
		seq := p.hearInvoke(5, "dump", nil)
		p.sayData(seq, Table{{"interface", Array{}}})
		p.sayStatus(seq, StatusOK)
	})
	got, err := Interfaces(within(t), path)
	if diff := cmp.Diff(map[string]network.Interface{}, got); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}

func TestInterfacesWaitsForUbusdAndNetifd(t *testing.T) {
	path := listen(t,
		func(c net.Conn) { c.Close() }, // ubusd ends
		func(c net.Conn) { // netifd is not there yet
			p := peer{t, c, NewReader(c)}
			p.say(Message{Type: MsgHello})
			p.sayStatus(p.hearLookup("network.interface"), StatusNotFound)
		},
		func(c net.Conn) { // netifd ends while it is asked
			p := peer{t, c, NewReader(c)}
			p.say(Message{Type: MsgHello})
			p.answerLookup("network.interface", 4)
			p.sayStatus(p.hearInvoke(4, "dump", nil), StatusNotFound)
			p.sayStatus(p.hearLookup("network.interface"), StatusNotFound)
		},
		func(c net.Conn) { peer{t, c, NewReader(c)}.answerDump() })
	got, err := Interfaces(within(t), path)
	if diff := cmp.Diff(interfaces(), got, same()); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}

func TestInterfacesTellsWhyThereIsNoAnswer(t *testing.T) {
	tests := map[string]struct {
		serve func(p peer, cancel func())
		want  Cause
	}{
		"netifd is not there": {func(p peer, _ func()) {
			p.sayStatus(p.hearLookup("network.interface"), StatusNotFound)
		}, NoObject},
		"netifd hangs": {func(p peer, cancel func()) {
			p.answerLookup("network.interface", 5)
			p.hearInvoke(5, "dump", nil)
			cancel()
			p.hang()
		}, NoAnswer},
		"ubusd ends": {func(p peer, _ func()) {
			p.hearLookup("network.interface")
		}, Lost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(within(t))
			client := connected(t, func(p peer) { test.serve(p, cancel) })
			got, err := client.Interfaces(ctx)
			if got != nil || !errors.Is(err, test.want) || !Passing(err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestWaitEndsWithItsContextAndTellsTheCause(t *testing.T) {
	ctx, cancel := context.WithCancel(within(t))
	path := listen(t, func(c net.Conn) {
		p := peer{t, c, NewReader(c)}
		p.say(Message{Type: MsgHello})
	})
	err := Wait(ctx, path, func(context.Context, *Client) error {
		cancel()
		return NoObject
	})
	if err != NoObject {
		t.Errorf("got %v", err)
	}
}

func TestWaitDoesNotRepeatWhatFailedForGood(t *testing.T) {
	path := listen(t, func(c net.Conn) { peer{t, c, NewReader(c)}.say(Message{Type: MsgHello}) })
	if err := Wait(within(t), path, func(context.Context, *Client) error { return StatusPermissionDenied }); err != StatusPermissionDenied {
		t.Errorf("got %v", err)
	}
}
