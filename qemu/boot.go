package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"qemu/arch"
	"qemu/image"
	"qemu/look/wire"
	"qemu/machine"
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
	if err := o.compile(ctx, a, filepath.Join(overlay, image.Engine)); err != nil {
		return image.Image{}, err
	}
	return image.Make(ctx, o.store, a, overlay)
}

func (o options) compile(ctx context.Context, a arch.Arch, to string) error {
	env, err := a.Go()
	if err != nil {
		return err
	}
	to, err = filepath.Abs(to)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", to, "./look")
	command.Dir = filepath.Join(o.root, "qemu")
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), env...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the engine: %w\n%s", err, out)
	}
	return nil
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
	i, err := o.image(ctx, a)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "qemu-boot-")
	if err != nil {
		return err
	}
	return inOwnNetwork(func() error { return o.run(ctx, a, i, dir) })
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

// run switches a router on, in the network namespace of the calling thread, and looks at it.
func (o options) run(ctx context.Context, a arch.Arch, i image.Image, dir string) (err error) {
	began := time.Now()
	m, err := machine.Start(ctx, machine.Config{Arch: a, Image: i, Memory: o.memory, NICs: nics(), Dir: dir, KVM: o.kvm, Append: o.words})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, m.Close()); err != nil {
			err = fmt.Errorf("%w\nits console is in %s", err, m.ConsoleLog())
			return
		}
		err = os.RemoveAll(dir)
	}()
	l := newLooker(m)
	if _, err := l.answer(bootTime); err != nil {
		return fmt.Errorf("the engine does not answer: %w", err)
	}
	fmt.Printf("%s at %d MiB: engine after %.1f s\n", a.Name, o.memory, time.Since(began).Seconds())
	return o.look(a, m, l)
}

// looker asks the engine.
type looker struct {
	m       *machine.Machine
	answers *json.Decoder
}

func newLooker(m *machine.Machine) looker { return looker{m, json.NewDecoder(m.Channel())} }

// answer waits for one.
func (l looker) answer(patience time.Duration) (wire.Answer, error) {
	var a wire.Answer
	if err := l.m.Channel().SetReadDeadline(time.Now().Add(patience)); err != nil {
		return a, err
	}
	err := l.answers.Decode(&a)
	if errors.Is(err, io.EOF) {
		ending, failure := l.m.Wait()
		err = errors.Join(fmt.Errorf("the machine is off: %s", ending), failure)
	}
	return a, err
}

func (l looker) ask(r wire.Request) (wire.Answer, error) {
	if err := json.NewEncoder(l.m.Channel()).Encode(r); err != nil {
		return wire.Answer{}, err
	}
	return l.answer(bootTime)
}

// look goes through the list of what the router is to do.
func (o options) look(a arch.Arch, m *machine.Machine, l looker) error {
	var failures []error
	for _, t := range tries(a) {
		answer, err := l.ask(t.request)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		verdict := "works"
		if answer.Error != "" || !strings.Contains(answer.Out, t.want) {
			verdict = "FAILS"
			failures = append(failures, fmt.Errorf("%s: %s\n%s", t.name, answer.Error, answer.Out))
		}
		if t.show || o.verbose {
			verdict += ": " + strings.TrimSpace(answer.Out)
		}
		fmt.Printf("  %-28s %s\n", t.name, verdict)
	}
	return errors.Join(append(failures, o.cable(m, l), off(m, l))...)
}

// cable pulls one, and plugs it in again.
func (o options) cable(m *machine.Machine, l looker) error {
	for _, up := range []bool{false, true} {
		if err := m.SetLink("wan0", up); err != nil {
			return err
		}
		want := map[bool]string{true: "1", false: "0"}[up]
		script := "for i in $(seq 50); do [ $(cat /sys/class/net/wan0/carrier) = " + want + " ] && exit; sleep 0.1; done; exit 1"
		answer, err := l.ask(wire.Request{Run: script})
		if err != nil {
			return err
		}
		if answer.Error != "" {
			return fmt.Errorf("the carrier of wan0 is not %s after SetLink", want)
		}
	}
	fmt.Printf("  %-28s works\n", "cable out and in")
	return nil
}

// off ends the engine, and so the machine.
func off(m *machine.Machine, l looker) error {
	if err := json.NewEncoder(m.Channel()).Encode(wire.Request{}); err != nil {
		return err
	}
	began := time.Now()
	ending, err := m.Wait()
	fmt.Printf("  %-28s %s after %.1f s\n", "off", ending, time.Since(began).Seconds())
	return err
}
