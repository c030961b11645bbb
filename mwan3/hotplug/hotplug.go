// Package hotplug tells the router what happened to an interface: everybody through OpenWrt's hotplug-call, and
// mwan3's own configurator directly, so that verdicts are applied on a router without hotplug-call, too. It also keeps
// the events that the user's script is still to be run for.
package hotplug

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Action is what happened.
type Action string

// Netifd's actions that mwan3 handles, and those that it adds (contracts 5.1).
const (
	Ifup          Action = "ifup"
	Ifdown        Action = "ifdown"
	Ifupdate      Action = "ifupdate" // something about the interface changed: look again
	Connected     Action = "connected"
	Disconnected  Action = "disconnected"
	Connecting    Action = "connecting"    // offline, but the last round was good
	Disconnecting Action = "disconnecting" // online, but the last round was bad
)

// Event is one thing that happened to one interface.
type Event struct {
	Action    Action
	Interface string
	Device    string
	First     bool // Connected only: tracking has just begun, nothing was proved yet
	Shutdown  bool // Disconnected only: because mwan3 is being stopped
	Applied   bool // whoever tells it has the configurator carry it out, its own script must not
}

// Router is where the programs are that have to be told.
type Router struct {
	HotplugCall  string // OpenWrt's tool
	Configurator string // mwan3
}

// Default returns OpenWrt's place of hotplug-call and the configurator beside the running program.
func Default() (Router, error) {
	self, err := os.Executable()
	if err != nil {
		return Router{}, fmt.Errorf("find mwan3: %w", err)
	}
	return Router{HotplugCall: "/sbin/hotplug-call", Configurator: filepath.Join(filepath.Dir(self), "mwan3")}, nil
}

// Call runs all scripts of the router for interface events and waits for their end. Their environment is the event
// and nothing else, as they get it from upstream. A router without the tool has nobody to tell; its exit code is that of
// the last script and says nothing.
func (r Router) Call(event Event) error {
	wait, err := r.Start(event)
	if err != nil {
		return err
	}
	return wait()
}

// Start is Call for those who do not want to wait, or not for ever.
func (r Router) Start(event Event) (wait func() error, err error) {
	ended, err := start(context.Background(), r.HotplugCall, []string{"iface"}, event.environ())
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	return func() error {
		err := ended()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil
		}
		return err
	}, err
}

// applyPatience is how long the configurator may take. It needs milliseconds, and seconds behind others that change
// something; whatever it waits for after a minute must not keep a tracker from probing. A run that is killed is repaired
// by the next one.
const applyPatience = time.Minute

// Apply makes the configurator carry out the event and waits for it.
func (r Router) Apply(event Event) error {
	ctx, cancel := context.WithTimeout(context.Background(), applyPatience)
	defer cancel()
	return run(ctx, r.Configurator, []string{"hotplug"}, append(event.environ(), path()))
}

// path is the search path for the tools that the configurator runs.
func path() string {
	if path := os.Getenv("PATH"); path != "" {
		return "PATH=" + path
	}
	return "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
}

// environ lists the variables in upstream's order. FIRSTCONNECT is there, if empty, for Connected only. MWAN3_APPLIED is
// ours: a script may take so long that the next verdict comes before it hears of this one, which must not come back then.
func (e Event) environ() []string {
	env := []string{"ACTION=" + string(e.Action)}
	switch {
	case e.Shutdown:
		env = []string{"MWAN3_SHUTDOWN=1", "ACTION=" + string(e.Action)}
	case e.Action == Connected && e.First:
		env = append(env, "FIRSTCONNECT=1")
	case e.Action == Connected:
		env = append(env, "FIRSTCONNECT=")
	}
	if e.Applied {
		env = append(env, "MWAN3_APPLIED=1")
	}
	return append(env, "INTERFACE="+e.Interface, "DEVICE="+e.Device)
}

func run(ctx context.Context, tool string, args, env []string) error {
	wait, err := start(ctx, tool, args, env)
	if err != nil {
		return err
	}
	return wait()
}

func start(ctx context.Context, tool string, args, env []string) (wait func() error, err error) {
	keepFiles()
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	told := func(err error) error {
		if err != nil {
			return fmt.Errorf("run %s %s: %w", tool, args[0], err)
		}
		return nil
	}
	return func() error { return told(cmd.Wait()) }, told(cmd.Start())
}

// keepFiles keeps the files that this process inherited to itself. A shell may have left its lock open in us (rc.common
// holds one as fd 1000), and a script that inherits it would hold the lock for as long as it or its children live.
// What Go opens is closed in children anyway.
func keepFiles() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
