package main

import (
	"context"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/network"
	"mwan3/survey"
)

// followLinks does what netifd does on OpenWrt: when an interface of the family comes up or goes down it says so. On
// a router with netifd it does nothing. An interface has a state from when it is seen up to when it is seen down, so
// comparing the two needs no memory, and an event that failed is tried again at the next change.
func (m *mirror) followLinks(ctx context.Context) {
	if _, running := apply.DefaultRecord().Running(); !running || survey.HasNetifd() {
		return
	}
	cfg, _, err := survey.Config()
	if err != nil {
		m.log.Warn("%v", err)
		return
	}
	interfaces, err := survey.Interfaces(ctx, cfg)
	if err != nil {
		m.log.Warn("%v", err)
		return
	}
	states := health.Default().States()
	for _, section := range cfg.Interfaces {
		_, wasUp := states[section.Name]
		if found := interfaces[section.Name]; m.follows(section) && found.Up != wasUp {
			m.announce(found)
		}
	}
}

func (m *mirror) follows(section config.Interface) bool {
	return section.Enabled && section.Family == m.family && section.Device != ""
}

// announce has mwan3 look again, which shows it whether the interface is up at that moment, and then tells the rest of
// the router. No lock is held meanwhile.
func (m *mirror) announce(found network.Interface) {
	event := hotplug.Event{Action: hotplug.Ifdown, Interface: found.Name}
	if found.Up {
		event = hotplug.Event{Action: hotplug.Ifup, Interface: found.Name, Device: found.Device}
	}
	router, err := hotplug.Default()
	if err == nil {
		err = router.Apply(hotplug.Event{Action: hotplug.Ifupdate, Interface: found.Name, Device: found.Device})
	}
	if err == nil {
		err = router.Call(event)
	}
	if err != nil {
		m.log.Warn("%v", err)
	}
}
