package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
)

func TestSettle(t *testing.T) {
	up := network.Interface{Up: true, Device: "wan0"}
	for _, tt := range []struct {
		name      string
		offline   bool // initial_state offline
		found     network.Interface
		before    health.States
		event     Event
		announced bool
		want      health.States
	}{
		{name: "an interface seen up for the first time is online", found: up, want: health.States{"wan": health.Online}},
		{name: "with initial_state offline it waits", offline: true, found: up, want: health.States{"wan": health.Offline}},
		{name: "unless its tracker already says online", offline: true, found: up, announced: true,
			want: health.States{"wan": health.Online}},
		{name: "a verdict is kept while nothing happens", found: up,
			before: health.States{"wan": health.Offline}, want: health.States{"wan": health.Offline}},
		{name: "disconnected", found: up, event: Event{ActionDisconnected, "wan"},
			before: health.States{"wan": health.Online}, want: health.States{"wan": health.Offline}},
		{name: "a verdict from before it went down and came up again does not count", found: up,
			event: Event{ActionDisconnected, "wan"}, want: health.States{"wan": health.Online}},
		{name: "connected", found: up, event: Event{ActionConnected, "wan"},
			before: health.States{"wan": health.Offline}, want: health.States{"wan": health.Online}},
		{name: "somebody else's event changes nothing", found: up, event: Event{ActionDisconnected, "wan2"},
			before: health.States{"wan": health.Online}, want: health.States{"wan": health.Online}},
		{name: "ifdown takes it down although netifd has it up", found: up, event: Event{ActionIfdown, "wan"},
			before: health.States{"wan": health.Online}, want: health.States{"wan": health.Down}},
		{name: "it stays down", found: up,
			before: health.States{"wan": health.Down}, want: health.States{"wan": health.Down}},
		{name: "a late verdict does not bring it up", found: up, event: Event{ActionConnected, "wan"},
			before: health.States{"wan": health.Down}, want: health.States{"wan": health.Down}},
		{name: "ifup does", found: up, event: Event{ActionIfup, "wan"},
			before: health.States{"wan": health.Down}, want: health.States{"wan": health.Online}},
		{name: "ifup brings an offline interface back online", found: up, event: Event{ActionIfup, "wan"},
			before: health.States{"wan": health.Offline}, want: health.States{"wan": health.Online}},
		{name: "an interface that is not up has no state", found: network.Interface{Device: "wan0"},
			before: health.States{"wan": health.Online}, want: health.States{}},
		{name: "nor has one without a device", found: network.Interface{Up: true}, want: health.States{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{
				Config: config.Config{Interfaces: []config.Interface{
					{Name: "wan", ID: 1, Enabled: true, InitialOffline: tt.offline},
					{Name: "off", ID: 2},
				}},
				Network: network.State{Interfaces: map[string]network.Interface{"wan": tt.found, "off": up}},
				Health:  tt.before,
			}
			got := in.Settle(tt.event, map[string]bool{"wan": tt.announced})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
