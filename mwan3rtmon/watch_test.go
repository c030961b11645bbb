package main

import (
	"testing"

	"mwan3/iproute"
	"mwan3/network"
)

func TestOnlyWhatCanChangeTablesOrLinksWakesTheMirror(t *testing.T) {
	w := watcher{family: network.IPv4, own: map[int]bool{1: true}}
	for _, tt := range []struct {
		name          string
		event         iproute.Event
		routes, links bool
	}{
		{"a route of main", iproute.Event{Kind: iproute.RouteChange, Table: network.TableMain}, true, false},
		{"a route of local, which connected networks come from", iproute.Event{Kind: iproute.RouteChange, Table: network.TableLocal}, true, false},
		{"our own writing", iproute.Event{Kind: iproute.RouteChange, Table: 1}, false, false},
		{"the other family", iproute.Event{Kind: iproute.RouteChange, Family: network.IPv6, Table: network.TableMain}, false, false},
		{"a device", iproute.Event{Kind: iproute.LinkChange}, false, true},
		{"an address", iproute.Event{Kind: iproute.AddrChange, Family: network.IPv6}, false, true},
		{"an ip rule", iproute.Event{Kind: iproute.RuleChange}, false, false},
		{"events that were lost", iproute.Event{Kind: iproute.Overrun}, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := w.movesRoutes(tt.event); got != tt.routes {
				t.Errorf("movesRoutes = %v", got)
			}
			if got := movesLinks(tt.event); got != tt.links {
				t.Errorf("movesLinks = %v", got)
			}
		})
	}
}
