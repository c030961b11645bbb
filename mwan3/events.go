package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"mwan3/config"
	"mwan3/hotplug"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/syslog"
)

// Exit codes of the hotplug entry, as upstream's script 15-mwan3 has them (contracts 5.2).
const (
	exitUnknownAction exitCode = 1
	exitFailed        exitCode = 1 // ours
	exitNoInterface   exitCode = 2
	exitNoDevice      exitCode = 3
)

// hotplug handles one event of /sbin/hotplug-call or of a tracker, told in the environment: ACTION, INTERFACE, DEVICE,
// FIRSTCONNECT, MWAN3_SHUTDOWN, MWAN3_APPLIED. What a tracker tells waits until everybody has heard what netifd said.
func (c cli) hotplug() error {
	action, name, device := os.Getenv("ACTION"), os.Getenv("INTERFACE"), os.Getenv("DEVICE")
	known := []string{"ifup", "ifupdate", "ifdown", "connected", "disconnected"}
	fromTracker := hasBeenDone() || action == "connecting" || action == "disconnecting"
	if name != "" && fromTracker {
		if err := hotplug.LaneOf(name).Await(); err != nil {
			return err
		}
	}
	switch {
	case !slices.Contains(known, action):
		return exitUnknownAction
	case name == "":
		return exitNoInterface
	case os.Getenv("MWAN3_SHUTDOWN") == "1" || hasBeenDone():
		return nil
	}
	log := syslog.New("mwan3-hotplug")
	if (action == "ifup" || action == "connected") && device == "" {
		log.Notice("%s called on %s with no device set", action, name)
		return exitNoDevice
	}
	if err := c.obey(action, name); err != nil {
		log.Err("%s on %s: %v", action, name, err) // nobody reads what hotplug scripts print
		return exitFailed
	}
	return nil
}

// hasBeenDone tells whether a tracker only tells what was applied before, or needs not be.
func hasBeenDone() bool { return os.Getenv("FIRSTCONNECT") == "1" || os.Getenv("MWAN3_APPLIED") == "1" }

// obey carries out an event of a known action that a hotplug script, a tracker or the mirror has told.
func (c cli) obey(action, name string) error {
	r, err := openRouter("mwan3-hotplug")
	if err != nil {
		return err
	}
	defer r.close()
	r.promise(plan.Action(action), name)
	return c.handle(r, action, name)
}

// handle brings the router to what an event means.
func (c cli) handle(r *router, action, name string) error {
	event, matters := r.eventOf(plan.Action(action), name)
	if !matters {
		r.noteIgnored(action, fmt.Sprintf("mwan3 hotplug on %s not called because interface disabled", name))
		return nil
	}
	err := r.reconcile(c.ctx, event, false)
	if errors.Is(err, errNotRunning) {
		r.noteIgnored(action, fmt.Sprintf("mwan3 hotplug %s on %s not called because globally disabled", action, name))
		return nil
	}
	return err
}

// eventOf returns what an event of netifd's means to ours. An interface that mwan3 does not use matters only if one of ours
// stands on it or the src_iface of a rule names it: then it is a reason to look.
func (r *router) eventOf(action plan.Action, name string) (event plan.Event, matters bool) {
	if iface, _ := r.cfg.Interface(name); iface.Enabled {
		return plan.Event{Action: action, Interface: name}, true
	}
	if owner, ok := r.ownerOf(name); ok {
		if action == plan.ActionIfupdate {
			event = plan.Event{Action: action, Interface: owner}
		}
		return event, true
	}
	return plan.Event{}, r.isSource(name)
}

// isSource tells whether a rule wants traffic from the interface.
func (r *router) isSource(name string) bool {
	return slices.ContainsFunc(r.cfg.Rules, func(rule config.Rule) bool { return rule.SrcIface == name })
}

// ownerOf names the interface of ours that stands on netifd's.
func (r *router) ownerOf(name string) (owner string, ok bool) {
	for _, iface := range r.cfg.Interfaces {
		if iface.Enabled && network.SubInterface(iface.Name, iface.Family) == name {
			return iface.Name, true
		}
	}
	return "", false
}

// noteIgnored logs that an event was not carried out. Not so an ifupdate: one comes with every router advertisement.
func (r *router) noteIgnored(action, text string) {
	if plan.Action(action) != plan.ActionIfupdate {
		r.log.Notice("%s", text)
	}
}

// noteEvent logs an event that is carried out.
func (r *router) noteEvent(event plan.Event, in plan.Inputs) {
	if event.Action == plan.Look || event.Action == plan.ActionIfupdate {
		return
	}
	iface, _ := r.cfg.Interface(event.Interface)
	device := "unknown"
	if found, _ := in.Network.Lookup(iface.Name, iface.Family); found.Device != "" {
		device = found.Device
	}
	r.log.Notice("Execute %s event on interface %s (%s)", event.Action, event.Interface, device)
}

// ifup is the command: the handler of netifd's event, run by hand.
func (c cli) ifup(args []string) error {
	switch {
	case len(args) == 0:
		fmt.Fprintln(c.out, "Expecting interface. Usage: mwan3 ifup <interface>")
		return nil
	case len(args) > 1:
		fmt.Fprintln(c.out, "Too many arguments. Usage: mwan3 ifup <interface>")
		return nil
	}
	r, err := openRouter("mwan3-hotplug")
	if err != nil {
		return err
	}
	defer r.close()
	if _, ok := r.record.Running(); !ok {
		fmt.Fprintln(c.out, "The service mwan3 is global disabled.")
		fmt.Fprintln(c.out, `Please execute "/etc/init.d/mwan3 start" first.`)
		return exitCode(1)
	}
	in, err := r.look(c.ctx, false)
	if err != nil {
		return err
	}
	iface, _ := r.cfg.Interface(args[0])
	if found, _ := in.Network.Lookup(args[0], iface.Family); !found.Up || found.Device == "" {
		c.printNotUp(args[0])
		return nil
	}
	return c.handle(r, "ifup", args[0])
}

// ifdown is the command: it takes the interface out of use until an ifup.
func (c cli) ifdown(args []string) error {
	switch {
	case len(args) == 0:
		fmt.Fprintln(c.out, "Error: Expecting interface. Usage: mwan3 ifdown <interface>")
		return nil
	case len(args) > 1:
		fmt.Fprintln(c.out, "Error: Too many arguments. Usage: mwan3 ifdown <interface>")
		return nil
	}
	r, err := openRouter("mwan3-hotplug")
	if err != nil {
		return err
	}
	defer r.close()
	return c.handle(r, "ifdown", args[0])
}
