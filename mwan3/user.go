package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"mwan3/apply"
	"mwan3/hotplug"
	"mwan3/plan"
	"mwan3/survey"
	"mwan3/syslog"
)

// user hands one event over to the user's script, told in the environment as to hotplug, and does not wait for it. With
// the name of an interface it runs the script for the events of that interface that were handed over, until there is
// none left.
func (c cli) user(args []string) error {
	if len(args) > 0 {
		return drain(args[0])
	}
	event := hotplug.Event{
		Action:    hotplug.Action(os.Getenv("ACTION")),
		Interface: os.Getenv("INTERFACE"),
		Device:    os.Getenv("DEVICE"),
		Shutdown:  os.Getenv("MWAN3_SHUTDOWN") == "1",
	}
	if event.Action == "" || !concernsUser(event) {
		return nil
	}
	if err := handOver(event); err != nil {
		syslog.New("mwan3-hotplug").Err("%s %s on %s: %v", hotplug.UserScript, event.Action, event.Interface, err)
		return exitFailed
	}
	return nil
}

// concernsUser tells whether the user's script is to hear of an event: all events of enabled interfaces, while mwan3 runs
// or is being stopped.
func concernsUser(event hotplug.Event) bool {
	if _, running := apply.DefaultRecord().Running(); !running && !event.Shutdown || !hasUserScript() {
		return false
	}
	cfg, _, err := survey.Config()
	iface, _ := cfg.Interface(event.Interface)
	return err == nil && iface.Enabled
}

func hasUserScript() bool {
	_, err := os.Stat(hotplug.UserScript)
	return !errors.Is(err, fs.ErrNotExist)
}

// handOver puts the event into the interface's lane. hotplug-call, our parent, may have promised it.
func handOver(event hotplug.Event) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	left, err := hotplug.LaneOf(event.Interface).Add(event, os.Getppid(), self)
	if left > 0 {
		syslog.New("mwan3-hotplug").Warn("%s is too slow for the events of %s: the oldest one is left out",
			hotplug.UserScript, event.Interface)
	}
	return err
}

// promise lets hotplug-call, our parent, finish with what netifd said before scripts hear what a tracker made of it. Who
// else has called us will not come back with the event.
func (r *router) promise(action plan.Action, name string) {
	_, running := r.record.Running()
	iface, _ := r.cfg.Interface(name)
	fromNetifd := action == plan.ActionIfup || action == plan.ActionIfdown || action == plan.ActionIfupdate
	if !running || !iface.Enabled || !fromNetifd || os.Getenv("HOTPLUG_TYPE") != "iface" {
		return
	}
	if err := hotplug.LaneOf(name).Promise(os.Getppid()); err != nil {
		r.log.Warn("note that %s on %s is being told: %v", action, name, err)
	}
}

// drain runs the user's script for the events of an interface.
func drain(name string) error {
	log := syslog.New("mwan3-hotplug")
	output := logOutput()
	if output != nil {
		defer output.Close()
	}
	return hotplug.LaneOf(name).Drain(func(event hotplug.Event) {
		if err := hotplug.RunUser(hotplug.UserScript, event, output); err != nil {
			log.Warn("%s on %s: %v", event.Action, event.Interface, err)
		}
	})
}

// logOutput opens what the script prints to: the system log, by a program that lives as long as anybody writes, because
// the script's children may print when we have ended. Nil, which swallows all, if that cannot be had.
func logOutput() *os.File {
	from, to, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer from.Close()
	logger := exec.Command("logger", "-t", "mwan3.user")
	logger.Stdin = from
	if err := logger.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		to.Close()
		return nil
	}
	return to
}
