package main

import (
	"errors"
	"fmt"
	"syscall"

	"mwan3/apply"
	"mwan3/config"
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
	routing, err := iproute.Open()
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &router{cfg: cfg, faults: faults, routing: routing, record: apply.DefaultRecord(),
		health: health.Default(), log: syslog.New(tag)}, nil
}

func (r *router) close() { r.routing.Close() }

// backend opens the firewall that holds the marking, or that would, and names it.
func (r *router) backend() (apply.Backend, config.Backend, error) {
	running, _ := r.record.Running()
	return apply.Choose(r.cfg.Globals.Backend, running)
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

// tellTrackers sends upstream's signals to the trackers of the interfaces that came up (USR2) or went down (USR1),
// whichever event showed it, and of the one that an event brings up anew.
func (r *router) tellTrackers(before, after health.States, event plan.Event) {
	for _, iface := range r.cfg.Interfaces {
		wasUp, isUp := before[iface.Name] != health.Down, after[iface.Name] != health.Down
		own := event.Interface == iface.Name
		switch {
		case isUp && (!wasUp || own && event.Action == plan.ActionIfup):
			r.signalTracker(iface.Name, syscall.SIGUSR2)
		case !isUp && (wasUp || own && event.Action == plan.ActionIfdown):
			r.signalTracker(iface.Name, syscall.SIGUSR1)
		}
	}
}

// tracked says which interfaces the trackers take for up, instead of what was saved: a run that was cut off may have
// saved states and told nobody.
func (r *router) tracked() health.States {
	states := health.States{}
	for _, iface := range r.cfg.Interfaces {
		if r.health.Record(iface.Name, nil).Started {
			states[iface.Name] = health.Online
		}
	}
	return states
}

func (r *router) signalTracker(iface string, signal syscall.Signal) {
	if pid, ok := r.health.TrackerPID(iface); ok {
		syscall.Kill(pid, signal)
	}
}
