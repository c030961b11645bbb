package plan

import (
	"fmt"
	"net/netip"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
)

// Inputs is all that a plan depends on.
type Inputs struct {
	Config  config.Config
	Network network.State
	Health  health.States
	Held    []Held // further ids of interfaces, while connections get other marks (see Steps)
}

// Make decides everything. Each part can also be asked for alone, when an event cannot have changed the others.
func Make(in Inputs) Plan {
	marking, notes := in.Marking()
	return Plan{
		Marking: marking,
		Sets:    in.Sets(),
		Rules:   in.Rules(),
		Tables:  in.Tables(),
		Notes:   notes,
	}
}

// iface is an interface of the config with what is known about it.
type iface struct {
	config.Interface
	device  string     // its layer 3 device, empty when unknown
	gateway netip.Addr // the next hop that option gateway names
	up      bool       // enabled, netifd has it up with a device, and nobody took it down
	online  bool       // up, and the verdict allows its use
}

// ifaces returns the interfaces in config order.
func (in Inputs) ifaces() []iface {
	var all []iface
	for _, section := range in.Config.Interfaces {
		found, _ := in.Network.Lookup(section.Name, section.Family)
		state := in.Health[section.Name]
		up := section.Enabled && found.Up && found.Device != "" && state != health.Down &&
			in.Network.HasFamily(section.Family)
		all = append(all, iface{
			Interface: section,
			device:    found.Device,
			gateway:   found.Gateway,
			up:        up,
			online:    up && state == health.Online,
		})
	}
	return all
}

// mark is the interface's mark under the config's mask.
func (in Inputs) mark(i iface) Mark {
	return Mark{Interface: i.Name, Value: in.Config.Globals.Mask.Mark(i.ID)}
}

// marks are those of all ids of the interface. The further ones have names of their own, which no interface can have.
func (in Inputs) marks(i iface) []Mark {
	marks := []Mark{in.mark(i)}
	for _, id := range in.heldBy(i.Name) {
		marks = append(marks, Mark{Interface: fmt.Sprintf("%s-%d", i.Name, id), Value: in.Config.Globals.Mask.Mark(id)})
	}
	return marks
}
