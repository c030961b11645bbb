package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/firewall"
	"mwan3/hotplug"
	"mwan3/plan"
	"mwan3/survey"
)

// initScript is OpenWrt's way to start and stop; where there is none, we do both ourselves.
const initScript = "/etc/init.d/mwan3"

// start enables and starts the service.
func (c cli) start() error {
	if hasInitScript() {
		return c.initScript("enable", "start")
	}
	if err := c.load(); err != nil {
		return err
	}
	return c.startDaemons()
}

// stop stops the service and, as upstream does, keeps it from starting at the next boot.
func (c cli) stop() error {
	if hasInitScript() {
		return c.initScript("disable", "stop")
	}
	return c.unload()
}

// restart stops and starts, and enables the service.
func (c cli) restart() error {
	if hasInitScript() {
		return c.initScript("enable", "stop", "start")
	}
	return errors.Join(c.stop(), c.start())
}

// reload applies a changed configuration: only what differs is touched, and trackers whose settings are the same go on.
// On OpenWrt the init script's reload does it, because it is procd that starts and ends daemons.
func (c cli) reload() error {
	r, err := openRouter("mwan3")
	if err != nil {
		return err
	}
	defer r.close()
	if _, running := r.record.Running(); hasInitScript() && running {
		return c.initScript("reload")
	}
	r.logFaults()
	if err := r.reconcile(c.ctx, plan.Event{}, false); err != nil {
		return err
	}
	return r.refreshDaemons()
}

func hasInitScript() bool {
	info, err := os.Stat(initScript)
	return err == nil && info.Mode().IsRegular()
}

// initScript runs verbs of the init script one after the other. One that fails does not keep the next from being run: a
// full overlay, on which nothing can be enabled or disabled, is no reason not to start or stop.
func (c cli) initScript(verbs ...string) error {
	var errs []error
	for _, verb := range verbs {
		command := exec.Command(initScript, verb)
		command.Stdin, command.Stdout, command.Stderr = os.Stdin, c.out, c.err
		if err := command.Run(); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", initScript, verb, err))
		}
	}
	return errors.Join(errs...)
}

// load brings the kernel to the plan, marks mwan3 as running, and tells the daemons that run already and have to know.
// It is what the init script calls for start and for reload.
func (c cli) load() error {
	r, err := openRouter("mwan3-init")
	if err != nil {
		return err
	}
	defer r.close()
	r.logFaults()
	if err := r.reconcile(c.ctx, plan.Event{}, true); err != nil {
		return err
	}
	c.printDown(r)
	return r.tellDaemons(runningDaemons())
}

// printDown tells which interfaces are waited for, in upstream's words. Before netifd is there it would be all of them.
func (c cli) printDown(r *router) {
	if survey.HasNetifd() && !survey.NetifdStarted(c.ctx) {
		return
	}
	in, err := survey.Look(c.ctx, r.cfg, r.routing)
	if err != nil {
		return
	}
	for _, iface := range r.cfg.Interfaces {
		found, _ := in.Network.Lookup(iface.Name, iface.Family)
		if iface.Enabled && (!found.Up || found.Device == "") {
			c.printNotUp(iface.Name)
		}
	}
}

func (c cli) printNotUp(iface string) {
	fmt.Fprintf(c.out, "The network interace '%s' is not up.\nPlease execute 'ifup %s' first.\n", iface, iface)
}

// unload ends the daemons, tells the user's scripts, takes everything of ours out of the kernel and forgets the state. It
// is what the init script's stop calls. It works as well when mwan3 is not running, to repair. When it is cut off, the
// next event ends it.
func (c cli) unload() error {
	r, err := openToStop("mwan3-init")
	if err != nil {
		return err
	}
	defer r.close()
	running, was, err := r.forbid()
	if err != nil {
		return fmt.Errorf("note the stop: %w", err)
	}
	online := r.announced()
	r.stopDaemons()
	if was {
		r.tellStop(online)
	}
	return r.endStop(running)
}

// forbid notes that mwan3 is to run no more, whatever becomes of this run. It returns the only backend that can have a
// marking in the kernel, none if that is not certain, and whether mwan3 was running.
func (r *router) forbid() (running config.Backend, was bool, err error) {
	unlock, err := apply.Lock()
	if err != nil {
		return "", false, err
	}
	defer unlock()
	running, was = r.record.Running()
	cutOff, err := r.record.Stop()
	if cutOff {
		running = ""
	}
	return running, was, err
}

// stopPatience is how long a stop waits for the scripts that it tells.
const stopPatience = 3 * time.Second

// tellStop tells everybody that the interfaces that were online are used no longer, one after the other. A script that does
// not come back is left behind after a while: it may be waiting for the init script, whose stop we are part of. No lock
// of ours is held meanwhile.
func (r *router) tellStop(online map[string]bool) {
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	late := false
	for _, iface := range r.cfg.Interfaces {
		if !online[iface.Name] {
			continue
		}
		event := hotplug.Event{Action: hotplug.Disconnected, Interface: iface.Name, Shutdown: true}
		told := r.tell(event)
		if late {
			continue
		}
		select {
		case <-told:
		case <-patience.C:
			late = true
			r.log.Warn("hotplug %s on %s: going on without the end of the scripts", event.Action, event.Interface)
		}
	}
}

// endCutOffStop does what is left of a stop that was cut off, whoever comes next, so that a start begins anew.
func (r *router) endCutOffStop() error {
	if !r.record.Stopping() {
		return nil
	}
	unlock, err := apply.Lock() // it may be a start that has just begun
	if err != nil {
		return err
	}
	stopping := r.record.Stopping()
	unlock()
	if !stopping {
		return nil
	}
	r.stopDaemons()
	return r.endStop("")
}

// endStop takes everything away, unless somebody has done it or started anew.
func (r *router) endStop(running config.Backend) error {
	unlock, err := apply.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	if !r.record.Stopping() {
		return nil
	}
	return r.clear(running)
}

// clear removes marking, rules, tables and state files. The lock is held.
func (r *router) clear(running config.Backend) error {
	in := plan.Inputs{Config: r.cfg}
	var err error
	if in.Network.Routes, err = r.routing.Routes(); err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	if in.Network.Rules, err = r.routing.Rules(); err != nil {
		return fmt.Errorf("list ip rules: %w", err)
	}
	backend, name, err := firewall.Choose(config.Auto, running) // what there is, whatever the config wants by now
	if err != nil {
		return err
	}
	if running != name {
		for _, other := range others(name) {
			if err := other.Remove(); err != nil {
				r.log.Warn("remove another marking: %v", err)
			}
		}
	}
	if err := (apply.Kernel{Routing: r.routing, Marker: backend}).Remove(in); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(r.health.TrackDir), r.record.Clear())
}

// tell starts the user's and other packages' hotplug scripts. The channel is closed when they have ended.
func (r *router) tell(event hotplug.Event) <-chan struct{} {
	told := make(chan struct{})
	scripts, err := hotplug.Default()
	var wait func() error
	if err == nil {
		wait, err = scripts.Start(event)
	}
	go func() {
		defer close(told)
		if err == nil {
			err = wait()
		}
		if err != nil {
			r.log.Warn("hotplug %s on %s: %v", event.Action, event.Interface, err)
		}
	}()
	return told
}

// logFaults writes to the log what is wrong with the config. Options that nobody reads are for `mwan3 check`.
func (r *router) logFaults() {
	for _, fault := range r.faults {
		if !fault.Unknown {
			r.log.Warn("%s", fault)
		}
	}
}
