package main

import (
	"errors"
	"fmt"
	"maps"
	"syscall"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/firewall"
	"mwan3/health"
	"mwan3/iproute"
	"mwan3/plan"
	"mwan3/survey"
	"mwan3/syslog"
)

// router is the machine that we run on, opened for one command.
type router struct {
	cfg     config.Config
	faults  []config.Fault
	inUse   []plan.Carried // the interfaces of the run before, once the lock is held
	routing *iproute.Handle
	record  apply.Record
	health  health.Store
	log     *syslog.Logger
}

// openRouter reads the config and opens what the command needs. tag is the name that log lines carry.
func openRouter(tag string) (*router, error) {
	cfg, faults, err := survey.Config()
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return newRouter(tag, cfg, faults)
}

// openToStop is openRouter for a stop, which finds most of what is ours in the kernel and goes without a config.
func openToStop(tag string) (*router, error) {
	cfg, faults, err := survey.Config()
	r, err2 := newRouter(tag, cfg, faults)
	if err2 == nil && err != nil {
		r.log.Warn("stop without a configuration: %v", err)
	}
	return r, err2
}

func newRouter(tag string, cfg config.Config, faults []config.Fault) (*router, error) {
	routing, err := iproute.Open()
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	record := apply.DefaultRecord()
	return &router{cfg: cfg, faults: faults, routing: routing, record: record,
		health: health.Default(), log: syslog.New(tag)}, nil
}

func (r *router) close() { r.routing.Close() }

// backend opens the firewall that holds the marking, or if there is none the one that would, and names it.
func (r *router) backend() (firewall.Backend, config.Backend, error) {
	wanted := r.cfg.Globals.Backend
	running, _ := r.record.Running()
	if running != "" {
		wanted = running // a changed option counts from the next reload
	}
	return firewall.Choose(wanted, running)
}

// announced lists the interfaces whose tracker says online.
func (r *router) announced() map[string]bool {
	online := map[string]bool{}
	for _, iface := range r.cfg.Interfaces {
		if r.health.Record(iface.Name, nil).Status == health.StatusOnline {
			online[iface.Name] = true
		}
	}
	return online
}

// saveStates writes the settled verdicts, and forgets those of interfaces that are not up any more.
func (r *router) saveStates(before, after health.States) error {
	err := r.health.SetStates(after)
	for name := range before {
		if _, ok := after[name]; !ok {
			err = errors.Join(err, r.health.Forget(name))
		}
	}
	return err
}

// follow does what has to be done when interfaces come up, go down or get a verdict: it tells their trackers, with
// upstream's signals, and flushes or leads connections. What happened is read from the states before and after, so it
// does not matter which event showed it first.
func (r *router) follow(before, after health.States, event plan.Event) {
	for _, iface := range r.cfg.Interfaces {
		action := turn(before, after, iface.Name)
		if action == plan.Look && event.Interface == iface.Name {
			action = event.Action
		}
		r.tellTracker(iface.Name, action)
		r.flushConntrack(iface, action)
		if action != plan.Look && (action != event.Action || iface.Name != event.Interface) {
			r.log.Notice("Interface %s: %s", iface.Name, action)
		}
	}
	r.leadFlows(before, after)
}

// turn returns ifup or ifdown for an interface that has come up or gone down, and else plan.Look.
func turn(before, after health.States, iface string) plan.Action {
	switch wasUp, isUp := before[iface] != health.Down, after[iface] != health.Down; {
	case isUp && !wasUp:
		return plan.ActionIfup
	case !isUp && wasUp:
		return plan.ActionIfdown
	}
	return plan.Look
}

// tellTracker sends the interface's tracker USR2 for an ifup, USR1 for an ifdown, and HUP, at which it looks at the
// interface again, for an ifupdate.
func (r *router) tellTracker(iface string, action plan.Action) {
	signal, ok := map[plan.Action]syscall.Signal{
		plan.ActionIfup:     syscall.SIGUSR2,
		plan.ActionIfdown:   syscall.SIGUSR1,
		plan.ActionIfupdate: syscall.SIGHUP,
	}[action]
	if pid, alive := r.health.TrackerPID(iface); ok && alive {
		syscall.Kill(pid, signal)
	}
}

// tracked corrects the states before a run by what the trackers take for up: a run that was cut off may have saved
// states and told nobody.
func (r *router) tracked(saved health.States) health.States {
	states := health.States{}
	maps.Copy(states, saved)
	for _, iface := range r.cfg.Interfaces {
		_, alive := r.health.TrackerPID(iface.Name)
		started := r.health.Record(iface.Name, nil).Started
		switch {
		case alive && !started:
			states[iface.Name] = health.Down
		case alive && states[iface.Name] == health.Down:
			states[iface.Name] = health.Offline // or online: up, in any case
		}
	}
	return states
}
