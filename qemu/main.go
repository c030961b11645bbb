// Command qemu makes whole routers for other processors and boots them.
//
//	qemu tools   prints the programs that the others take
//	qemu build   makes the images
//	qemu boot    boots each with a small engine and prints what it can do, and what it takes
//	qemu play    installs the package on each and plays the lab's scripts
//
// All take names of architectures; none means all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"e2e/lab"

	"qemu/arch"
	"qemu/play"
	"qemu/store"
)

// options are what the command line says.
type options struct {
	root    string // of the workspace
	store   store.Store
	memory  int // MiB
	kvm     bool
	verbose bool
	words   string // for the kernel's command line

	console  bool   // start the engine by the console of our own image
	official string // an image of OpenWrt's; empty: ours
	kernel   string // its kernel; empty if the image boots itself
	archs    []arch.Arch

	packages string // folder of OpenWrt's packages, one below it for each architecture
	pattern  string // of the names of scripts
	jobs     int    // machines at the same time
}

func main() {
	lab.Enter()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if lab.Inside() {
		if err := play.Inside(ctx, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "qemu: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say tools, build, boot or play")
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	var act func(context.Context, arch.Arch) error
	switch args[0] {
	case "tools":
		act = tools
	case "build":
		act = o.build
	case "boot":
		act = o.boot
	case "play":
		act = o.scripts
	default:
		return fmt.Errorf("%s: there is tools, build, boot and play", args[0])
	}
	var failures []error
	for _, a := range o.archs {
		if err := act(ctx, a); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", a.Name, err))
		}
	}
	return errors.Join(failures...)
}

// tools prints words for the Makefile.
func tools(_ context.Context, a arch.Arch) error {
	_, err := fmt.Println(strings.Join(a.Tools(), " "))
	return err
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("qemu "+args[0], flag.ContinueOnError)
	set.StringVar(&o.root, "root", ".", "folder of the workspace")
	set.StringVar(&o.store.Root, "store", "build/qemu", "folder of what is kept")
	set.IntVar(&o.memory, "memory", 128, "of the router, in MiB")
	set.BoolVar(&o.kvm, "kvm", false, "run on the host's processor; wants one of the same kind")
	set.StringVar(&o.packages, "packages", "build/ipk", "folder of the packages")
	set.StringVar(&o.pattern, "script", "^("+strings.Join(scenarios(), "|")+")$", "of the names of scripts")
	set.IntVar(&o.jobs, "jobs", 1, "machines at the same time")
	set.StringVar(&o.words, "append", "", "more for the kernel's command line, as loglevel=7")
	set.BoolVar(&o.console, "console", false, "start the engine from a second drive by typing on the console, as with -openwrt")
	set.StringVar(&o.official, "openwrt", "", "an official image of OpenWrt's to boot instead of ours")
	set.StringVar(&o.kernel, "kernel", "", "the kernel of that image; x86's combined images bring one")
	set.BoolVar(&o.verbose, "v", false, "print what the router's commands print")
	if err := set.Parse(args[1:]); err != nil {
		return o, err
	}
	began := time.Now()
	o.store.Say = func(text string) { fmt.Printf("%6.1f s  %s\n", time.Since(began).Seconds(), text) }
	if set.NArg() == 0 {
		o.archs = arch.All()
	}
	for _, name := range set.Args() {
		a, err := arch.Find(name)
		if err != nil {
			return o, err
		}
		o.archs = append(o.archs, a)
	}
	return o, nil
}
