// Command mwan3 is the configurator: it reads the config and the network, decides, and makes the kernel so. One shot,
// no daemon. Every way into it, a start, a reload, an interface that comes or goes, a tracker's verdict, ends in
// the same reconcile:
//
//	config says what you want, network says what is there, health says what works;
//	plan decides, apply makes it so.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"mwan3/survey"
)

// version is set by the linker: -X main.version=3.0.0.
var version = "devel"

// cli is one call of the program.
type cli struct {
	ctx context.Context
	out io.Writer
	err io.Writer
}

// exitCode is an error that has been told already and ends the program with that code.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func main() {
	// The program lives for milliseconds: collecting garbage would cost it more than the memory is worth, as long as
	// the routes do not number in the tens of thousands.
	debug.SetGCPercent(400)
	c := cli{ctx: context.Background(), out: os.Stdout, err: os.Stderr}
	os.Exit(c.run(os.Args[1:]))
}

// run carries out one command and returns the exit code: for upstream's commands 0 whatever happens (contracts 4:
// scripts rely on it), for the others 1 when they fail.
func (c cli) run(args []string) int {
	if len(args) == 0 {
		args = []string{"help"}
	}
	name, args := args[0], args[1:]
	if do, ok := c.upstream(name, args); ok {
		return c.report(do(), 0)
	}
	if do, ok := c.own(name, args); ok {
		return c.report(do(), 1)
	}
	c.help()
	return 0
}

// report prints an error and turns it into an exit code.
func (c cli) report(err error, failed int) int {
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(c.err, "mwan3: %v\n", err)
	return failed
}

// upstream finds a command that upstream has.
func (c cli) upstream(name string, args []string) (func() error, bool) {
	switch name {
	case "start":
		return c.start, true
	case "stop":
		return c.stop, true
	case "restart":
		return c.restart, true
	case "ifup":
		return func() error { return c.ifup(args) }, true
	case "ifdown":
		return func() error { return c.ifdown(args) }, true
	case "interfaces":
		return c.interfaces, true
	case "policies":
		return c.policies, true
	case "connected":
		return c.connected, true
	case "rules":
		return c.rules, true
	case "status":
		return c.status, true
	case "internal":
		return func() error { return c.internal(args) }, true
	}
	return nil, false
}

// own finds a command that upstream does not have.
func (c cli) own(name string, args []string) (func() error, bool) {
	switch name {
	case "reload":
		return c.reload, true
	case "load":
		return c.load, true
	case "unload":
		return c.unload, true
	case "hotplug":
		return c.hotplug, true
	case "user":
		return func() error { return c.user(args) }, true
	case "daemons":
		return c.daemons, true
	case "mirror":
		return func() error { return c.mirror(args) }, true
	case "tracking":
		return func() error { return c.tracking(args) }, true
	case "path":
		return func() error { return c.path(args) }, true
	case "id":
		return func() error { return c.id(args) }, true
	case "print":
		return c.print, true
	case "check":
		return c.check, true
	case "use":
		return func() error { return c.use(args) }, true
	case "rpcd":
		return func() error { return c.rpcd(args) }, true
	case "version", "--version":
		return c.version, true
	}
	return nil, false
}

func (c cli) version() error {
	fmt.Fprintf(c.out, "mwan3 %s\n", version)
	return nil
}

// id prints the number of an interface, for scripts: that of its routing table.
func (c cli) id(args []string) error {
	cfg, _, err := survey.Config()
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if len(args) == 1 {
		if iface, ok := cfg.Interface(args[0]); ok {
			fmt.Fprintln(c.out, iface.ID)
			return nil
		}
	}
	return exitCode(1)
}

// commands is what help shows: upstream's lines, then ours.
func (c cli) help() {
	lines := [][2]string{
		{"start", "Load iptables rules, ip rules and ip routes"},
		{"stop", "Unload iptables rules, ip rules and ip routes"},
		{"restart", "Reload iptables rules, ip rules and ip routes"},
		{"ifup <iface>", "Load rules and routes for specific interface"},
		{"ifdown <iface>", "Unload rules and routes for specific interface"},
		{"interfaces", "Show interfaces status"},
		{"policies", "Show currently active policy"},
		{"connected", "Show directly connected networks"},
		{"rules", "Show active rules"},
		{"status", "Show all status"},
		{"internal <ipv4|ipv6>", "Show internal configuration <default: ipv4>"},
		{"use <iface> <cmd>", "Run a command bound to <iface> and avoid mwan3 rules"},
		{"reload", "Apply a changed configuration, touching only what differs"},
		{"check", "Show everything that is wrong with the configuration"},
		{"print", "Show what would be loaded, without touching anything"},
		{"version", "Show the version"},
	}
	fmt.Fprint(c.out, "Syntax: mwan3 [command]\n\nAvailable commands:\n")
	for _, line := range lines {
		fmt.Fprintf(c.out, "%-25s%s\n", line[0], line[1])
	}
}
