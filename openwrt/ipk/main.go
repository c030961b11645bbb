// Command ipk makes what a router without a build system of OpenWrt needs: the programs for its processor, and packages
// for opkg and apk.
//
//	ipk cross   compiles for all targets, proves that a second time gives the same, prints what they take
//	ipk pack    packs what cross has compiled, checks every package, writes an index for opkg update, and the same for apk
//
// Both take names of targets; none means all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"ipk/cross"
	"ipk/target"
)

// options are what the command line says.
type options struct {
	root     string // of the workspace
	programs string // folder of the compiled programs, one below it for each target
	out      string // folder of the packages, one below it for each architecture
	version  string
	epoch    int64    // seconds since 1970: the time that all files of the packages have
	flags    []string // of go build
	again    string
	targets  []target.Target
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "ipk: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say cross or pack")
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	switch args[0] {
	case "cross":
		return o.cross(ctx)
	case "pack":
		return o.pack()
	}
	return fmt.Errorf("%s: there is cross and pack", args[0])
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("ipk "+args[0], flag.ContinueOnError)
	set.StringVar(&o.root, "root", ".", "folder of the workspace")
	set.StringVar(&o.programs, "programs", "build/cross", "folder of the compiled programs")
	set.StringVar(&o.out, "out", "build/ipk", "folder of the packages")
	set.StringVar(&o.version, "version", "", "of mwan3")
	set.Int64Var(&o.epoch, "epoch", 0, "time of all files, in seconds since 1970")
	set.Func("build", "a flag for go build; may stand there several times", func(flag string) error {
		o.flags = append(o.flags, flag)
		return nil
	})
	set.StringVar(&o.again, "again", "", "targets to compile twice, separated by blanks; all; empty: none")
	if err := set.Parse(args[1:]); err != nil {
		return o, err
	}
	var err error
	o.targets, err = target.Find(set.Args())
	return o, err
}

func (o options) when() time.Time { return time.Unix(o.epoch, 0).UTC() }

// cross compiles and measures.
func (o options) cross(ctx context.Context) error {
	b := cross.Builder{Root: o.root, Flags: o.flags}
	var sizes []cross.Size
	for _, t := range o.targets {
		fmt.Fprintf(os.Stderr, "compiling for %s\n", t.Name)
		folder := filepath.Join(o.programs, t.Name)
		if err := b.Build(ctx, t, folder); err != nil {
			return err
		}
		measured, err := cross.Measure(ctx, t.Name, folder)
		if err != nil {
			return err
		}
		sizes = append(sizes, measured...)
	}
	if err := o.repeat(ctx, b); err != nil {
		return err
	}
	fmt.Println("KiB:")
	return cross.Table(os.Stdout, sizes)
}

// repeat compiles some targets once more.
func (o options) repeat(ctx context.Context, b cross.Builder) error {
	wanted := " " + o.again + " "
	for _, t := range o.targets {
		if o.again != "all" && !strings.Contains(wanted, " "+t.Name+" ") {
			continue
		}
		fmt.Fprintf(os.Stderr, "compiling for %s again, elsewhere and from nothing\n", t.Name)
		if err := b.Repeat(ctx, t, filepath.Join(o.programs, t.Name)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: the same, bit for bit\n", t.Name)
	}
	return nil
}
