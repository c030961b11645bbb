package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"qemu/arch"
	"qemu/image"
	"qemu/play"
)

// scenarios are the scripts that are played where nobody asks for others: what befalls a whole router.
func scenarios() []string {
	return []string{
		"boot-balanced", "failover-silent", "failover-carrier-openwrt", "address-lost", "ipv6-only", "macvlan", "vlan",
		"reboot", "killed", "reload-storm", "memory-pressure", "upgrade", "ubus-status", "figures",
	}
}

// scripts plays the lab's scripts on one kind of router, a few at the same time.
func (o options) scripts(ctx context.Context, a arch.Arch) error {
	began := time.Now()
	installed, err := o.installed(ctx, a)
	if err != nil {
		return err
	}
	trials, err := o.trials(a, installed)
	if err != nil {
		return err
	}
	var failed failures
	var all sync.WaitGroup
	free := make(chan struct{}, o.jobs)
	for _, t := range trials {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			failed.add(o.trial(ctx, t))
		})
	}
	all.Wait()
	fmt.Printf("%s: %d stories, %d failed, in %v with its image\n", a.Name, len(trials), len(failed.errs),
		time.Since(began).Round(time.Second))
	return errors.Join(failed.errs...)
}

// failures collects those of trials at the same time.
type failures struct {
	mu   sync.Mutex
	errs []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.errs = append(f.errs, err)
	}
}

// trial plays one and prints its verdict. Its disk is removed if it passes.
func (o options) trial(ctx context.Context, t play.Trial) error {
	if err := os.RemoveAll(t.Dir); err != nil {
		return err
	}
	v := t.Run(ctx)
	switch {
	case v.Err == nil && v.Status == "pass":
		fmt.Printf("ok    %6.1f s  %s\n%s", v.Took.Seconds(), t.Name(), figures(t.LogFile()))
		return os.Remove(filepath.Join(t.Dir, image.Written))
	case v.Err == nil && v.Status == "skip":
		fmt.Printf("skip  %6.1f s  %s: %s\n", v.Took.Seconds(), t.Name(), v.Reason)
		return os.RemoveAll(t.Dir)
	}
	fmt.Printf("FAIL  %6.1f s  %s\n", v.Took.Seconds(), t.Name())
	return fmt.Errorf("%s failed; see %s and the console beside it: %w", t.Name(), t.LogFile(), errors.Join(errFailed, v.Err))
}

// figures are what a script wants to be told: the lines of its log that begin with figure.
func figures(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return ""
	}
	var lines strings.Builder
	for line := range strings.Lines(string(text)) {
		if figure, ok := strings.CutPrefix(line, "figure: "); ok {
			lines.WriteString("      " + figure)
		}
	}
	return lines.String()
}

var errFailed = errors.New("a script's expectation was not met")

// trials are the scripts that are wanted, with each backend of the router.
func (o options) trials(a arch.Arch, i image.Image) ([]play.Trial, error) {
	wanted, err := regexp.Compile(o.pattern)
	if err != nil {
		return nil, fmt.Errorf("scripts %q: %w", o.pattern, err)
	}
	var trials []play.Trial
	for _, folder := range []string{"e2e/testdata/script", "e2e/testdata/script/track", "qemu/testdata/script"} {
		files, err := filepath.Glob(filepath.Join(o.root, folder, "*.txtar"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if name := filepath.Base(file); wanted.MatchString(name[:len(name)-len(".txtar")]) {
				trials = append(trials, o.with(a, i, file)...)
			}
		}
	}
	if len(trials) == 0 {
		return nil, fmt.Errorf("no script is called %q", o.pattern)
	}
	return trials, nil
}

// with makes a trial of a script with each backend.
func (o options) with(a arch.Arch, i image.Image, file string) []play.Trial {
	var trials []play.Trial
	for _, backend := range a.Backends {
		t := play.Trial{Arch: a.Name, Backend: backend, Image: i, Script: file, Memory: o.memory, KVM: o.kvm, Append: o.words}
		t.Dir = filepath.Join(o.store.Root, "trials", t.Name())
		t.Picture = filepath.Join(o.store.Root, "timelines")
		trials = append(trials, t)
	}
	return trials
}

// installed makes a router, has it install our package as any router does, and returns it as an image of its own.
func (o options) installed(ctx context.Context, a arch.Arch) (image.Image, error) {
	i, err := o.router(ctx, a)
	if err != nil {
		return i, err
	}
	script := filepath.Join(o.root, "qemu/testdata/install.txtar")
	text, err := os.ReadFile(script)
	if err != nil {
		return i, err
	}
	return image.After(ctx, o.store, a, i, string(text), func(dir string) error {
		t := play.Trial{Arch: a.Name, Backend: a.Backends[0], Image: i, Dir: dir, Script: script, Memory: o.memory, KVM: o.kvm, Append: o.words}
		v := t.Run(ctx)
		if v.Err != nil || v.Status != "pass" {
			text, _ := os.ReadFile(t.LogFile())
			return fmt.Errorf("install the package on %s: %s: %w\n%s", a.Name, v.Status, errors.Join(errFailed, v.Err), text)
		}
		return nil
	})
}

// router makes a router with the scripts' engine, and our package in a file.
func (o options) router(ctx context.Context, a arch.Arch) (image.Image, error) {
	overlay, err := os.MkdirTemp("", "qemu-overlay-")
	if err != nil {
		return image.Image{}, err
	}
	defer os.RemoveAll(overlay)
	if err := o.compileIn(ctx, a, filepath.Join(o.root, "e2e"), "./engine", filepath.Join(overlay, image.Engine)); err != nil {
		return image.Image{}, err
	}
	packages, err := filepath.Glob(filepath.Join(o.packages, a.OpenWrt, "mwan3_*.ipk"))
	if err != nil || len(packages) != 1 {
		return image.Image{}, fmt.Errorf("%d packages for %s under %s; make ipk makes one: %w", len(packages), a.OpenWrt, o.packages, err)
	}
	if err := copyFile(packages[0], filepath.Join(overlay, "root", "mwan3.ipk")); err != nil {
		return image.Image{}, err
	}
	return image.Make(ctx, o.store, a, overlay)
}

func copyFile(from, to string) error {
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, body, 0o644)
}

// compileIn compiles a program of a module for a router.
func (o options) compileIn(ctx context.Context, a arch.Arch, module, pkg, to string) error {
	env, err := a.Go()
	if err != nil {
		return err
	}
	to, err = filepath.Abs(to)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", to, pkg)
	command.Dir = module
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), env...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for %s: %w\n%s", pkg, a.Name, err, out)
	}
	return nil
}
