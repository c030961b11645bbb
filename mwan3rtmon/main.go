// Command mwan3rtmon sees routes and devices change and has mwan3 mirror them: from the main routing table, and the tables of
// rt_table_lookup, into the tables of the interfaces and the sets of connected networks. One runs per family: `mwan3rtmon
// ipv4`, `mwan3rtmon ipv6`. It decides nothing and knows no configuration: it only tells mwan3 when to look.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"mwan3/network"
	"mwan3/syslog"
)

// version is set by the linker: -X main.version=3.0.0.
var version = "devel"

func main() {
	runtime.GOMAXPROCS(1) // one thread's work; more would only cost memory
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("mwan3rtmon", version)
		return
	}
	family, ok := familyOf(os.Args[1:])
	if !ok {
		fmt.Fprintln(os.Stderr, "Usage: mwan3rtmon <ipv4|ipv6>")
		os.Exit(1)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	log := syslog.New("mwan3rtmon")
	if err := newWatcher(family, log).run(ctx, again); err != nil {
		log.Err("%v", err)
		fmt.Fprintf(os.Stderr, "mwan3rtmon %s: %v\n", family, err)
		os.Exit(1)
	}
}

func familyOf(args []string) (network.Family, bool) {
	if len(args) != 1 {
		return 0, false
	}
	return network.ParseFamily(args[0])
}
