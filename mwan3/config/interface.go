package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mwan3/network"
)

// maxDevice is the length of the longest device name (IFNAMSIZ of linux/if.h, less the NUL).
const maxDevice = 15

// iface reads an interface section. Each one takes an id, whether it can be used or not.
func (p *parser) iface(r *reader) {
	iface := Interface{
		Name:    r.section.Name,
		ID:      len(p.cfg.Interfaces) + 1,
		Enabled: r.boolean("enabled"),
	}
	iface.Family, iface.Enabled = r.ifaceFamily(iface.Enabled)
	if p.again(r) {
		iface.Enabled = false
	}
	if highest := p.cfg.Globals.Mask.MaxID(); iface.ID > highest {
		r.tooMany(&iface, highest)
	}
	iface.Tracking = r.tracking(iface.Family)
	iface.InitialOffline = r.initialOffline(len(iface.Tracking.Targets))
	iface.FlushConntrack = r.flushConntrack()
	iface.MoveFlows = r.choice("failover_flows", "keep", "move") == "move"
	iface.EndOtherFlows = r.choice("recovery_flows", "keep", "end") == "end"
	iface.Device = r.device("device")
	iface.Gateway = r.gateway("gateway", iface.Family)
	r.ignore("online_metric")
	p.cfg.Interfaces = append(p.cfg.Interfaces, iface)
}

// tooMany takes the interface out of use: a higher id would be a special one, or a table of the kernel.
func (r *reader) tooMany(iface *Interface, highest int) {
	if iface.Enabled {
		r.fault("", fmt.Sprintf("at most %d interface sections, disabled ones included: mmx_mask has no more ids; "+
			"the interface stays disabled", highest))
	}
	iface.ID, iface.Enabled = 0, false
}

// ifaceFamily reads the family; an interface without a right one cannot be used.
func (r *reader) ifaceFamily(enabled bool) (network.Family, bool) {
	switch r.text("family") {
	case "", "ipv4":
		return network.IPv4, enabled
	case "ipv6":
		return network.IPv6, enabled
	}
	r.fault("family", "ipv4 or ipv6; the interface stays disabled")
	return network.IPv4, false
}

func (r *reader) initialOffline(targets int) bool {
	if r.choice("initial_state", "online", "offline") == "online" {
		return false
	}
	if targets == 0 {
		r.fault("initial_state", "online, as nothing can bring it online without track_ip; using online")
		return false
	}
	return true
}

// flushConntrack reads the events, and the two words that former versions had.
func (r *reader) flushConntrack() []Event {
	known := []Event{EventIfup, EventIfdown, EventConnected, EventDisconnected}
	var events []Event
	for _, v := range r.list("flush_conntrack") {
		switch {
		case v.Text == "never":
		case v.Text == "always":
			events = append(events, EventIfup, EventIfdown)
		case slices.Contains(known, Event(v.Text)):
			events = append(events, Event(v.Text))
		default:
			r.faultIn("flush_conntrack", v, "ifup, ifdown, connected or disconnected; it is left out")
		}
	}
	var unique []Event
	for _, e := range events {
		if !slices.Contains(unique, e) {
			unique = append(unique, e)
		}
	}
	return unique
}

// device reads the name of a network device of the kernel.
func (r *reader) device(name string) string {
	text := r.text(name)
	if text == "" {
		return ""
	}
	if len(text) > maxDevice || !isWord(text, "_.-+@") || strings.Trim(text, ".") == "" {
		r.fault(name, fmt.Sprintf("the name of a network device such as eth0.2, at most %d characters; it is left out",
			maxDevice))
		return ""
	}
	return text
}

func (r *reader) gateway(name string, f network.Family) netip.Addr {
	text := r.text(name)
	if text == "" {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" || familyOf(addr) != f {
		r.fault(name, fmt.Sprintf("an %s address; it is left out", f))
		return netip.Addr{}
	}
	return addr
}
