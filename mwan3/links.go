package main

import (
	"mwan3/config"
	"mwan3/hotplug"
	"mwan3/network"
	"mwan3/survey"
)

// followLinks does what netifd does on OpenWrt: when an interface of the family has come up or gone down it says so. On
// a router with netifd it does nothing. An interface has a state from when it is seen up to when it is seen down, so
// comparing the two needs no memory, and an event that failed is tried again at the next change.
func (r *router) followLinks(c cli, family network.Family) {
	if survey.HasNetifd() {
		return
	}
	interfaces, err := survey.Interfaces(c.ctx, r.cfg)
	if err != nil {
		r.log.Warn("%v", err)
		return
	}
	states := r.health.States()
	for _, section := range r.cfg.Interfaces {
		_, wasUp := states[section.Name]
		if found := interfaces[section.Name]; follows(section, family) && found.Up != wasUp {
			r.announce(c, found)
		}
	}
}

// follows tells whether the kernel alone says when an interface of the family is up.
func follows(section config.Interface, family network.Family) bool {
	return section.Enabled && section.Family == family && section.Device != ""
}

// announce has mwan3 look again, which shows it whether the interface is up at that moment, and then tells the rest of
// the router. No lock is held meanwhile. mwan3 itself must not obey what it hears of it: that may come so late that it is not
// true any more, and an ifdown would keep the interface down.
func (r *router) announce(c cli, found network.Interface) {
	event := hotplug.Event{Action: hotplug.Ifdown, Interface: found.Name, Applied: true}
	if found.Up {
		event = hotplug.Event{Action: hotplug.Ifup, Interface: found.Name, Device: found.Device, Applied: true}
	}
	err := c.obey(string(hotplug.Ifupdate), found.Name)
	if err == nil {
		var tools hotplug.Router
		if tools, err = hotplug.Default(); err == nil {
			err = tools.Call(event)
		}
	}
	if err != nil {
		r.log.Warn("%v", err)
	}
}
