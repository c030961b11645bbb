// Command mwan3track watches one interface: it probes its targets, keeps the score and announces the verdict.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/reply"
	"mwan3/syslog"
	"mwan3track/resolve"
)

// version is set by the linker: -X main.version=3.0.0.
var version = "devel"

// gcPercent makes the collector run at a heap of 1 MiB, where Go's own minimum is 4 MiB: several trackers run on routers
// with 64 MiB. What a start needs stays below, and quiet rounds leave next to nothing; so it mostly never runs, and the
// 250 KiB that its first run touches for good stay untouched.
const gcPercent = 25

func main() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(gcPercent)
	os.Exit(start(os.Args[1:], os.Stderr))
}

// start tracks the interface that the arguments name and returns the exit code.
func start(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "Usage: mwan3track <interface>")
		return 1
	}
	if args[0] == "--version" {
		fmt.Println("mwan3track", version)
		return 0
	}
	err := track(args[0])
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "mwan3track: %s\n", err)
	if reason := (reply.Untracked{}); errors.As(err, &reason) && reason.Fine {
		return 0
	}
	return 1
}

// track tracks an interface until it is told to stop. Before it knows how, a SIGTERM ends the program at once.
func track(iface string) error {
	tools, err := hotplug.Default()
	if err != nil {
		return err
	}
	signals, stop := make(chan os.Signal, 16), make(chan os.Signal, 1) // one that is full loses signals
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGHUP)
	eyes := looker{tools}
	s, err := eyes.Settings(context.Background(), iface)
	if err != nil {
		return err
	}
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	t := &tracker{
		eyes:    eyes,
		voice:   tools,
		log:     syslog.New("mwan3track"),
		store:   health.Default(),
		signals: signals,
		stop:    stop,
		open:    openProber,
		lookup:  resolve.Default().Lookup,
		uptime:  uptime,
	}
	return t.run(s)
}
