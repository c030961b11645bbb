package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mwan3/network"
)

// termPatience is how long a daemon may take to end, as procd's term_timeout.
const termPatience = 5 * time.Second

// daemon is a process of ours that should run: the arguments that also identify it in the process list.
type daemon struct{ program, argument string }

// wantedDaemons lists a tracker for each enabled interface with targets and an rtmon for each family.
func (r *router) wantedDaemons() []daemon {
	var wanted []daemon
	for _, iface := range r.cfg.Interfaces {
		if iface.Enabled && len(iface.Tracking.Targets) > 0 {
			wanted = append(wanted, daemon{"mwan3track", iface.Name})
		}
	}
	for _, family := range network.Families {
		if slices.Contains(r.routing.Families(), family) {
			wanted = append(wanted, daemon{"mwan3rtmon", family.String()})
		}
	}
	return wanted
}

// runningDaemons finds our daemons in the process list of this network namespace.
func runningDaemons() map[daemon]int {
	found := map[daemon]int{}
	ours, _ := os.Readlink("/proc/self/ns/net")
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		text, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue
		}
		words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		program := filepath.Base(words[0])
		theirs, _ := os.Readlink(dir + "/ns/net")
		if len(words) != 2 || program != "mwan3track" && program != "mwan3rtmon" || theirs != ours || isForked(dir, text) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		found[daemon{program, words[1]}] = pid
	}
	return found
}

// isForked tells whether a process has the command line of its parent: a daemon's child that has not become another
// program yet. A signal would be meant for the daemon, and kill the child.
func isForked(dir string, commandLine []byte) bool {
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return true // it has ended
	}
	_, rest, _ := strings.Cut(string(status), "\nPPid:")
	parent, _, _ := strings.Cut(rest, "\n")
	theirs, err := os.ReadFile("/proc/" + strings.TrimSpace(parent) + "/cmdline")
	return err == nil && bytes.Equal(theirs, commandLine)
}

// daemons lists the daemons that should run, for the init script: the name of procd's instance, the program, its argument
// and its build. Where the config cannot be read those that run shall go on.
func (c cli) daemons() error {
	r, err := openRouter("mwan3-init")
	if err != nil {
		for d := range runningDaemons() {
			c.printDaemon(d)
		}
		return err
	}
	defer r.close()
	for _, d := range r.wantedDaemons() {
		c.printDaemon(d)
	}
	return nil
}

func (c cli) printDaemon(d daemon) {
	instance := strings.TrimPrefix(d.program, "mwan3") + "_" + d.argument // track_wan, rtmon_ipv4
	fmt.Fprintln(c.out, instance, d.program, d.argument, d.build())
}

// build tells programs apart that were installed one after the other: the version, and when the file came to its place. A
// package can change while its version does not.
func (d daemon) build() string {
	var file syscall.Stat_t
	path, err := d.path()
	if err != nil || syscall.Stat(path, &file) != nil {
		return version
	}
	return fmt.Sprintf("%s@%d.%d", version, file.Ctim.Sec, file.Ctim.Nsec)
}

// path is in the folder that our own program lies in.
func (d daemon) path() (string, error) {
	self, err := os.Executable()
	return filepath.Join(filepath.Dir(self), d.program), err
}

// startDaemons starts what should run and does not. On OpenWrt procd does it.
func (c cli) startDaemons() error {
	r, err := openRouter("mwan3")
	if err != nil {
		return err
	}
	defer r.close()
	return r.startMissing(runningDaemons())
}

func (r *router) startMissing(running map[daemon]int) error {
	var errs []error
	for _, wanted := range r.wantedDaemons() {
		if _, ok := running[wanted]; !ok {
			errs = append(errs, wanted.start())
		}
	}
	return errors.Join(errs...)
}

// start runs the daemon in a session of its own.
func (d daemon) start() error {
	path, err := d.path()
	if err != nil {
		return err
	}
	command := exec.Command(path, d.argument)
	command.Dir = "/"
	command.Env = append(os.Environ(), "GOMAXPROCS=1") // set when it runs already, it would have cost memory
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s %s: %w", d.program, d.argument, err)
	}
	return command.Process.Release()
}

// refreshDaemons makes the daemons that run and those that should run the same, where there is no procd.
func (r *router) refreshDaemons() error {
	running, wanted := runningDaemons(), r.wantedDaemons()
	err := r.tellDaemons(running)
	for daemon, pid := range running {
		if !slices.Contains(wanted, daemon) {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	return errors.Join(err, r.startMissing(running))
}

// tellDaemons makes the daemons ask what has changed. Those that nothing has changed for hear nothing of it, because on a slow
// router each would take the processor for a while to find that out. Those that have nothing to do any more end.
func (r *router) tellDaemons(running map[daemon]int) error {
	for d, pid := range running {
		if !r.isUpToDate(d, pid) {
			syscall.Kill(pid, syscall.SIGHUP)
		}
	}
	return r.forgetTrackers(r.wantedDaemons())
}

// isUpToDate tells whether a running daemon is known to go by the config as it is. Of an rtmon nobody knows: what it had
// mirrored last may have been by the config of before.
func (r *router) isUpToDate(d daemon, pid int) bool {
	return d.program == "mwan3track" && r.health.GoesBy(d.argument, pid, settingsOf(r.cfg, d.argument))
}

// forgetTrackers removes what is left of trackers that are not wanted any more: who watches takes each directory for an
// interface. A tracker that still lives does not bring its own back.
func (r *router) forgetTrackers(wanted []daemon) error {
	entries, err := os.ReadDir(r.health.TrackDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if !slices.Contains(wanted, daemon{"mwan3track", entry.Name()}) {
			err = errors.Join(err, removeDir(filepath.Join(r.health.TrackDir, entry.Name())))
		}
	}
	return err
}

// removeDir removes a directory in which a tracker that is about to end may still write a file.
func removeDir(dir string) (err error) {
	for range 100 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// stopDaemons ends all daemons of ours and waits for them, so that none writes a file or a route after it.
func (r *router) stopDaemons() {
	deadline := time.Now().Add(termPatience)
	for _, pid := range runningDaemons() {
		syscall.Kill(pid, syscall.SIGTERM)
	}
	for len(runningDaemons()) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	for _, pid := range runningDaemons() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
