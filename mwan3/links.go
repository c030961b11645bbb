package main

import (
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/survey"
)

// followLinks does what netifd does on OpenWrt: when an interface of the family has come up or gone down, mwan3 looks at all of
// them, which also tells the rest of the router. On a router with netifd it does nothing. An interface has a state from when it
// is seen up to when it is seen down, so comparing the two needs no memory, and an event that failed is tried again at the next
// change.
func (r *router) followLinks(c cli, family network.Family) {
	if survey.HasNetifd() {
		return
	}
	interfaces, err := survey.Interfaces(c.ctx, r.cfg)
	if err != nil {
		r.log.Warn("%v", err)
		return
	}
	for _, section := range r.cfg.Interfaces {
		_, wasUp := r.health.States()[section.Name] // as the look before has left them
		if !section.Enabled || section.Family != family || section.Device == "" || interfaces[section.Name].Up == wasUp {
			continue
		}
		if err := c.obey(string(hotplug.Ifupdate), section.Name); err != nil {
			r.log.Warn("%v", err)
		}
	}
}

// news lists the interfaces that a run was the first to see come up or go down, apart from those that its event names and those
// that the config has brought or taken. Where there is netifd, that tells of them. mwan3 itself must not obey what it hears of it: that
// may come so late that it is not true any more, and an ifdown would keep the interface down.
func (r *router) news(before health.States, in plan.Inputs, event plan.Event) []hotplug.Event {
	if survey.HasNetifd() {
		return nil
	}
	var news []hotplug.Event
	for _, section := range r.cfg.Interfaces {
		action := turn(before, in.Health, section.Name)
		byConfig := !section.Enabled || !isAmong(r.inUse, section.Name)
		told := section.Name == event.Interface && action == event.Action
		if action == plan.Look || byConfig || told {
			continue
		}
		one := hotplug.Event{Action: hotplug.Action(action), Interface: section.Name, Applied: true}
		if action == plan.ActionIfup {
			found, _ := in.Network.Lookup(section.Name, section.Family)
			one.Device = found.Device
		}
		news = append(news, one)
	}
	return news
}

// announce tells the rest of the router, one after the other, and waits for its scripts. No lock is held meanwhile.
func (r *router) announce(news []hotplug.Event) {
	for _, event := range news {
		<-r.tell(event)
	}
}
