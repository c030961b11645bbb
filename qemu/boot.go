package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"qemu/arch"
	"qemu/image"
	"qemu/look/wire"
	"qemu/machine"
	"qemu/openwrt"
)

func (o options) build(ctx context.Context, a arch.Arch) error {
	_, err := o.image(ctx, a)
	return err
}

// image makes a router with the engine that has a look at it.
func (o options) image(ctx context.Context, a arch.Arch) (image.Image, error) {
	overlay, err := os.MkdirTemp("", "qemu-overlay-")
	if err != nil {
		return image.Image{}, err
	}
	defer os.RemoveAll(overlay)
	if err := o.compileLook(ctx, a, filepath.Join(overlay, image.Engine)); err != nil {
		return image.Image{}, err
	}
	return image.Make(ctx, o.store, a, overlay)
}

// compileLook compiles the small engine.
func (o options) compileLook(ctx context.Context, a arch.Arch, to string) error {
	return o.compileIn(ctx, a, filepath.Join(o.root, "qemu"), "./look", to)
}

// nics are what a router with three uplinks has.
func nics() []machine.NIC {
	var all []machine.NIC
	for _, name := range []string{"lan", "guest", "wan0", "wan1", "wan2"} {
		all = append(all, machine.NIC{Name: name, Tap: "t-" + name})
	}
	return all
}

// bootTime is how long a router may take for anything, on a busy host.
const bootTime = 5 * time.Minute

// boot makes a router, has a look at it and switches it off.
func (o options) boot(ctx context.Context, a arch.Arch) error {
	c := machine.Config{Arch: a, Memory: o.memory, NICs: nics(), KVM: o.kvm, Append: o.words}
	var err error
	if c.Dir, err = os.MkdirTemp("", "qemu-boot-"); err != nil {
		return err
	}
	prepare, look := o.ours, o.look
	if o.console || o.official != "" {
		prepare, look = o.foreign, o.peek
	}
	if c, err = prepare(ctx, c); err == nil {
		err = inOwnNetwork(func() error { return look(ctx, c) })
	}
	if err != nil {
		return fmt.Errorf("%w\nits console is in %s", err, c.Dir)
	}
	return os.RemoveAll(c.Dir)
}

// ours is the router that this program makes.
func (o options) ours(ctx context.Context, c machine.Config) (machine.Config, error) {
	var err error
	c.Image, err = o.image(ctx, c.Arch)
	return c, err
}

// inOwnNetwork runs a function in a network namespace that ends with it. Its thread is never given back.
func inOwnNetwork(do func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("network namespace: %w", err)
			return
		}
		result <- do()
	}()
	return <-result
}

// start switches a router on, in the network namespace of the calling thread, and waits for its engine.
func (o options) start(ctx context.Context, c machine.Config) (*machine.Machine, looker, error) {
	began := time.Now()
	m, err := machine.Start(ctx, c)
	if err != nil {
		return nil, looker{}, err
	}
	l := newLooker(m)
	if c.Extra != "" {
		err = openwrt.Begin(m, bootTime)
	}
	if err == nil {
		_, err = l.answer(bootTime)
	}
	if err != nil {
		return nil, l, errors.Join(fmt.Errorf("the engine does not answer: %w", err), m.Close())
	}
	fmt.Printf("%s at %d MiB: engine after %.1f s\n", c.Arch.Name, o.memory, time.Since(began).Seconds())
	return m, l, nil
}

// look tries all that the router is to do, switches it off, and looks whether it comes back.
func (o options) look(ctx context.Context, c machine.Config) error {
	m, l, err := o.start(ctx, c)
	if err != nil {
		return err
	}
	err = errors.Join(o.goThrough(tries(c.Arch), l), cable(m, l), off(m, l), m.Close())
	if err != nil {
		return err
	}
	return o.again(ctx, c)
}

// goThrough tries one thing after the other, and goes on when one fails.
func (o options) goThrough(tries []try, l looker) error {
	var failures []error
	for _, t := range tries {
		answer, err := l.ask(t.request)
		if err != nil {
			return errors.Join(append(failures, fmt.Errorf("%s: %w", t.name, err))...)
		}
		verdict := "works"
		if answer.Error != "" || !strings.Contains(answer.Out, t.want) {
			verdict = "FAILS"
			failures = append(failures, fmt.Errorf("%s: %s\n%s", t.name, answer.Error, answer.Out))
		}
		if t.show || o.verbose {
			verdict += ": " + strings.ReplaceAll(strings.TrimSpace(answer.Out), "\n", ", ")
		}
		report(t.name, verdict)
	}
	return errors.Join(failures...)
}

func report(name, verdict string) { fmt.Printf("  %-28s %s\n", name, verdict) }

// again switches a router on that was off, presses its reset button, and lets it reboot.
func (o options) again(ctx context.Context, c machine.Config) error {
	m, l, err := o.start(ctx, c)
	if err != nil {
		return err
	}
	defer m.Close()
	err = o.goThrough([]try{shell("disk as it was", "ls /root/written && sync")}, l)
	if err := errors.Join(err, m.Reset()); err != nil {
		return err
	}
	if _, err := l.answer(bootTime); err != nil {
		return fmt.Errorf("after a reset: %w", err)
	}
	report("reset", "works")
	if _, err := l.ask(wire.Request{Run: "reboot"}); err != nil {
		return err
	}
	if _, err := l.answer(bootTime); err != nil {
		return fmt.Errorf("after a reboot: %w", err)
	}
	report("reboot", "works")
	return off(m, l)
}
