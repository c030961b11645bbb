// Command bench measures the programs of mwan3, each part in a lab of its own, and prints a table for each:
//
//	commands   how long a start, a verdict, a reload, a status take on a router with many interfaces, policies and rules
//	failover   how long new connections are lost when an uplink dies, and how much of that is ours
//	trackers   what probing costs: packets, processor time, memory
//
// It runs as root and, where the kernel has user namespaces, as anybody; it can be interrupted, and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"e2e/lab"
)

// options are the command line. The same one is passed on to the labs, with scene or part added.
type options struct {
	bin     string // the directory of the three programs
	part    string // one part; empty for all
	scene   string // in a lab: the one of failover's scenes to play
	backend string // of failover and trackers
	cuts    int    // of each scene
	runs    int    // of each command
	size    size   // of the router for commands
}

// part is one of the tables.
type part struct {
	name    string
	outside func(context.Context, options) error // starts the labs and prints
	inside  func(options) error                  // what a lab does
}

func parts() []part {
	return []part{
		{"commands", oneLab("commands"), measureCommands},
		{"failover", measureFailover, playScene},
		{"trackers", oneLab("trackers"), measureTrackers},
	}
}

func main() {
	lab.Enter()
	ctx := context.Background()
	if !lab.Inside() { // in a lab a signal ends this process, and with it all others
		var cancel context.CancelFunc
		ctx, cancel = signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
		defer cancel()
	}
	err := readOptions().run(ctx)
	if err == nil {
		return
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if !errors.Is(err, errTold) {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	os.Exit(1)
}

// errTold is a failure of which the lab has told already.
var errTold = errors.New("the lab has failed")

func readOptions() options {
	var o options
	flag.StringVar(&o.bin, "bin", "build", "the directory of the three programs")
	flag.StringVar(&o.part, "part", "", "commands, failover or trackers alone (default all)")
	flag.StringVar(&o.scene, "scene", "", "of failover: silent, tuned or carrier alone (default all)")
	flag.StringVar(&o.backend, "backend", "nftables", "of failover and trackers: nftables or iptables; commands measures both")
	flag.IntVar(&o.cuts, "cuts", 30, "of failover: cuts of each scene")
	flag.IntVar(&o.runs, "runs", 15, "of commands: runs of each")
	flag.IntVar(&o.size.uplinks, "uplinks", 30, "of commands: uplinks; each has an interface for IPv4 and one for IPv6")
	flag.IntVar(&o.size.policies, "policies", 10, "of commands: policies, each of all interfaces")
	flag.IntVar(&o.size.rules, "rules", 100, "of commands: rules")
	flag.Parse()
	if dir, err := filepath.Abs(o.bin); err == nil {
		o.bin = dir // links will lead there
	}
	return o
}

// run does the parts that were asked for; in a lab that is one.
func (o options) run(ctx context.Context) error {
	found := false
	for _, p := range parts() {
		if o.part != "" && o.part != p.name {
			continue
		}
		found = true
		if err := p.run(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	if !found {
		return fmt.Errorf("no part %q: commands, failover, trackers", o.part)
	}
	return nil
}

func (p part) run(ctx context.Context, o options) error {
	if !lab.Inside() {
		return p.outside(ctx, o)
	}
	if err := lab.Install(o.bin); err != nil {
		return err
	}
	return p.inside(o)
}

// args is the command line for a lab that plays one part.
func (o options) args(part string) []string {
	return []string{
		"-bin", o.bin, "-part", part, "-scene", o.scene, "-backend", o.backend,
		"-cuts", fmt.Sprint(o.cuts), "-runs", fmt.Sprint(o.runs),
		"-uplinks", fmt.Sprint(o.size.uplinks), "-policies", fmt.Sprint(o.size.policies), "-rules", fmt.Sprint(o.size.rules),
	}
}

// oneLab makes the outside of a part that one lab measures and prints.
func oneLab(part string) func(context.Context, options) error {
	return func(ctx context.Context, o options) error {
		return runLab(ctx, os.Stdout, o.args(part))
	}
}

// runLab runs this program in a lab. Of a failure in there it has told itself.
func runLab(ctx context.Context, out io.Writer, args []string) error {
	err := lab.Run(ctx, out, os.Stderr, args...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return errTold
	}
	return err
}

// writeConfig makes the router's configuration.
func writeConfig(backend, text string) error {
	globals := fmt.Sprintf("config globals 'globals'\n\toption backend '%s'\n\n", backend)
	return os.WriteFile("/etc/config/mwan3", []byte(globals+text), 0o644)
}
