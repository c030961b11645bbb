package ubusd

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"mwan3/ubus"
)

// signalled is what procd adds to the number of the signal that ended a process to make an exit code; notStarted is
// the code of a command that cannot be run.
const (
	signalled  = 128
	notStarted = 127
)

// instance is one process of a service.
type instance struct {
	procd   *procd
	service *service
	name    string
	settings

	process  *os.Process // nil = not running
	pid      int         // of the process, or of the last
	started  time.Time
	halt     bool // it was told to end
	restart  bool // and is to be started again then
	crashes  int
	exitCode int
}

// adopt takes new settings over. They count from the next start.
func (in *instance) adopt(s settings) { in.settings = s }

// update takes new settings over and, if they differ, restarts the process; one that does not run is started.
func (in *instance) update(s settings) {
	changed := !in.same(s)
	switch {
	case in.process == nil || in.halt:
		in.adopt(s)
		in.start()
		return
	case changed && in.reloadSignal != 0:
		in.kill(syscall.Signal(in.reloadSignal))
	case changed:
		in.terminate()
		in.restart = true
	}
	in.adopt(s)
}

// start starts the process, or has it started again when it is just ending.
func (in *instance) start() {
	if in.process != nil {
		in.restart = in.halt
		return
	}
	in.restart, in.halt = false, false
	if len(in.command) == 0 {
		return
	}
	in.started = time.Now()
	cmd := in.procd.processOf(in.command, in.env)
	err := cmd.Start()
	in.procd.notify("instance.start", in.service, in.name)
	if err != nil {
		in.ended(notStarted)
		return
	}
	in.process, in.pid = cmd.Process, cmd.Process.Pid
	in.procd.server.running.Add(1)
	go in.wait(cmd)
}

// wait waits for the end of the process.
func (in *instance) wait(cmd *exec.Cmd) {
	s := in.procd.server
	defer s.running.Done()
	code := exitCode(cmd.Wait(), cmd.ProcessState)
	s.mu.Lock()
	defer s.mu.Unlock()
	in.process = nil
	if !s.isClosed() {
		in.ended(code)
	}
}

func exitCode(err error, state *os.ProcessState) int {
	if err == nil {
		return 0
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return signalled + int(status.Signal())
	}
	return state.ExitCode()
}

// ended decides what comes after the end of a process.
func (in *instance) ended(code int) {
	in.exitCode = code
	in.procd.notify("instance.stop", in.service, in.name)
	switch {
	case in.restart:
		in.start()
	case in.halt:
		in.remove()
	case in.respawn:
		in.respawnLater()
	}
}

// respawnLater starts the process again after the pause, unless it has crashed too often.
func (in *instance) respawnLater() {
	if time.Since(in.started) < time.Duration(in.threshold)*time.Second {
		in.crashes++
	} else {
		in.crashes = 0
	}
	if in.crashes > in.retry && in.retry > 0 {
		in.respawn, in.halt = false, true
		in.notifyExit("instance.fail")
		return
	}
	in.notifyExit("instance.respawn")
	in.procd.server.after(time.Duration(in.pause)*time.Second, func() {
		if in.process == nil && in.respawn && in.service.instances[in.name] == in {
			in.start()
		}
	})
}

func (in *instance) notifyExit(what string) {
	in.procd.notify(what, in.service, in.name,
		ubus.Field{Name: "pid", Value: in.pid},
		ubus.Field{Name: "exit_code", Value: in.exitCode},
		ubus.Field{Name: "respawn_count", Value: in.crashes},
		ubus.Field{Name: "command", Value: in.config.Get("command")})
}

// stop ends the process and removes the instance when it has ended.
func (in *instance) stop() {
	if in.process == nil {
		in.remove()
		return
	}
	in.respawn, in.restart = false, false
	in.terminate()
}

func (in *instance) remove() {
	delete(in.service.instances, in.name)
	in.procd.forget(in.service)
}

// terminate asks the process to end, and kills it if it does not.
func (in *instance) terminate() {
	process := in.process
	in.halt = true
	in.kill(syscall.SIGTERM)
	in.procd.server.after(in.termTimeout, func() {
		if in.process == process {
			in.kill(syscall.SIGKILL)
		}
	})
}

// kill sends a signal, if the process runs. Its end, not the error, tells whether that worked.
func (in *instance) kill(number syscall.Signal) {
	if in.process != nil {
		_ = in.process.Signal(number)
	}
}

// signal sends a signal for somebody who wants to know whether it worked.
func (in *instance) signal(number syscall.Signal) ubus.Status {
	if in.process == nil {
		return ubus.StatusNotFound
	}
	err := in.process.Signal(number)
	switch {
	case err == nil:
		return ubus.StatusOK
	case errors.Is(err, syscall.EINVAL):
		return ubus.StatusInvalidArgument
	case errors.Is(err, os.ErrProcessDone):
		return ubus.StatusNotFound
	}
	return ubus.StatusUnknownError
}

// describe returns the instance with procd's names, types and order.
func (in *instance) describe() ubus.Table {
	var b builder
	b.add("running", in.process != nil)
	if in.process != nil {
		b.add("pid", in.process.Pid)
	}
	b.add("command", in.config.Get("command"))
	b.add("term_timeout", int(in.termTimeout/time.Second))
	b.addIf(in.process == nil, "exit_code", in.exitCode)
	for _, name := range []string{"env", "data", "limits", "netdev"} {
		b.addIf(in.config.Get(name) != nil, name, in.config.Get(name))
	}
	b.addIf(in.reloadSignal != 0, "reload_signal", in.reloadSignal)
	if in.respawn {
		b.add("respawn", ubus.Table{{Name: "threshold", Value: in.threshold}, {Name: "timeout", Value: in.pause},
			{Name: "retry", Value: in.retry}})
	}
	for _, name := range []string{"pidfile", "user", "group"} {
		b.addIf(in.config.Get(name) != nil, name, in.config.Get(name))
	}
	return b.Table
}
