package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"mwan3/config"
	"mwan3/plan"
)

// Exit codes of the hotplug entry, as upstream's script 15-mwan3 has them (contracts 5.2).
const (
	exitUnknownAction exitCode = 1
	exitNoInterface   exitCode = 2
	exitNoDevice      exitCode = 3
)

// hotplug handles one event of /sbin/hotplug-call or of a tracker, told in the environment: ACTION, INTERFACE, DEVICE,
// FIRSTCONNECT, MWAN3_SHUTDOWN.
func (c cli) hotplug() error {
	action, name, device := os.Getenv("ACTION"), os.Getenv("INTERFACE"), os.Getenv("DEVICE")
	known := []string{"ifup", "ifupdate", "ifdown", "connected", "disconnected"}
	switch {
	case !slices.Contains(known, action):
		return exitUnknownAction
	case name == "":
		return exitNoInterface
	case os.Getenv("FIRSTCONNECT") == "1" || os.Getenv("MWAN3_SHUTDOWN") == "1":
		return nil
	}
	r, err := openRouter("mwan3-hotplug")
	if err != nil {
		return err
	}
	defer r.close()
	if (action == "ifup" || action == "connected") && device == "" {
		r.log.Notice("%s called on %s with no device set", action, name)
		return exitNoDevice
	}
	return c.handle(r, action, name)
}

// handle carries out an event of a known action. Interfaces that mwan3 does not use matter only if a rule's src_iface
// names them: then the device of that rule may have changed.
func (c cli) handle(r *router, action, name string) error {
	iface, ok := r.cfg.Interface(name)
	if !ok || !iface.Enabled {
		if r.isSource(name) {
			return r.lookAgain(c, action, name)
		}
		r.log.Notice("mwan3 hotplug on %s not called because interface disabled", name)
		return nil
	}
	event := plan.Event{Action: plan.Action(action), Interface: name}
	if action == "ifupdate" {
		event.Action = plan.Look
	}
	return r.execute(c, event)
}

// isSource tells whether a rule wants traffic from the interface.
func (r *router) isSource(name string) bool {
	return slices.ContainsFunc(r.cfg.Rules, func(rule config.Rule) bool { return rule.SrcIface == name })
}

// lookAgain reconciles without a verdict.
func (r *router) lookAgain(c cli, action, name string) error {
	err := r.reconcile(c.ctx, plan.Event{}, false)
	if errors.Is(err, errNotRunning) {
		r.log.Notice("mwan3 hotplug %s on %s not called because globally disabled", action, name)
		return nil
	}
	return err
}

// execute carries out one event on an interface of ours.
func (r *router) execute(c cli, event plan.Event) error {
	device := "unknown"
	if in, err := r.look(c.ctx, false); err == nil {
		iface, _ := r.cfg.Interface(event.Interface)
		if found, _ := in.Network.Lookup(iface.Name, iface.Family); found.Device != "" {
			device = found.Device
		}
	}
	if event.Action != plan.Look {
		r.log.Notice("Execute %s event on interface %s (%s)", event.Action, event.Interface, device)
	}
	err := r.reconcile(c.ctx, event, false)
	if errors.Is(err, errNotRunning) {
		r.log.Notice("mwan3 hotplug %s on %s not called because globally disabled", event.Action, event.Interface)
		return nil
	}
	return err
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
