// Package play lets the lab's scripts play on a router that is a whole machine: the world around it lies in namespaces of this
// host, each cable ends at a network card of the machine, and the engine on the machine runs the script.
package play

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"e2e/lab"
	"e2e/remote"
	"e2e/timeline"

	"qemu/arch"
	"qemu/image"
	"qemu/machine"
)

// uplinks is the number of providers that a machine has cards for.
const uplinks = 4

// Trial is one script on one router.
type Trial struct {
	Arch    string // its name
	Backend string
	Image   image.Image
	Script  string // a file
	Dir     string // a folder of its own, for the disk, the console's log and the script's
	Memory  int    // of the router, MiB; 0: 128
	KVM     bool
	Append  string // to the kernel's command line
	Picture string // a folder for the timelines that a script has drawn; empty: they are not kept
}

// Name tells a trial from others.
func (t Trial) Name() string {
	return t.Arch + "/" + t.Backend + "/" + scriptName(t.Script)
}

func scriptName(file string) string {
	name := filepath.Base(file)
	return name[:len(name)-len(filepath.Ext(name))]
}

// LogFile is where a trial writes what its script said.
func (t Trial) LogFile() string { return filepath.Join(t.Dir, "script.log") }

// bootTime is how long a router may take until its engine is there.
const bootTime = 5 * time.Minute

// play draws the world around the calling process, which must be inside of a lab, and plays the script in it. A script that
// fails is no error.
func (t Trial) play(ctx context.Context) (remote.Result, error) {
	text, err := os.ReadFile(t.Script)
	if err != nil {
		return remote.Result{}, err
	}
	log, err := os.Create(t.LogFile())
	if err != nil {
		return remote.Result{}, err
	}
	defer log.Close()
	world, err := lab.DrawWorld(uplinks)
	if err != nil {
		return remote.Result{}, err
	}
	world.Picture = t.picture
	s := stage{trial: t, world: world, log: log}
	var result remote.Result
	for _, part := range remote.Parts(string(text)) {
		if result, err = s.part(ctx, part); err != nil || result.Status != "pass" {
			break
		}
	}
	return result, err
}

// picture writes a timeline.
func (t Trial) picture(f timeline.Failover) error {
	if t.Picture == "" {
		return nil
	}
	f.Title = fmt.Sprintf("%s on %s, %s", scriptName(t.Script), t.Arch, t.Backend)
	name := fmt.Sprintf("%s-%s-%s.svg", scriptName(t.Script), t.Arch, t.Backend)
	return errors.Join(
		os.MkdirAll(t.Picture, 0o755),
		os.WriteFile(filepath.Join(t.Picture, name), []byte(f.SVG()), 0o644),
	)
}

// stage is a world with a router that starts once for each part of a script.
type stage struct {
	trial Trial
	world *lab.World
	log   *os.File
}

// part starts the router, plays a part of the script, and switches it off: the disk stays.
func (s stage) part(ctx context.Context, text string) (result remote.Result, err error) {
	m, err := s.start(ctx)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	guest := remote.Serve(m.Channel(), s.world, s.log)
	booting, cancel := context.WithTimeoutCause(ctx, bootTime, errors.New("the engine on the machine does not answer"))
	defer cancel()
	began := time.Now()
	if err := guest.Await(booting, addresses(s.cards())); err != nil {
		return result, fmt.Errorf("boot %s: %w", s.trial.Arch, err)
	}
	fmt.Fprintf(s.log, "the router's engine answered after %.1f s\n", time.Since(began).Seconds())
	a, err := arch.Find(s.trial.Arch)
	if err != nil {
		return result, err
	}
	result, err = guest.Run(ctx, remote.Job{
		Name: scriptName(s.trial.Script), Text: text, Backend: s.trial.Backend, Machine: true, Patience: a.Patience,
	})
	if err != nil {
		return result, err
	}
	if err := guest.PowerOff(); err != nil {
		return result, err
	}
	_, err = m.Wait()
	return result, err
}

// start switches the router on and connects its cards.
func (s stage) start(ctx context.Context) (*machine.Machine, error) {
	a, err := arch.Find(s.trial.Arch)
	if err != nil {
		return nil, err
	}
	m, err := machine.Start(ctx, machine.Config{
		Arch: a, Image: s.trial.Image, Memory: s.trial.Memory, NICs: s.cards(), Dir: s.trial.Dir, KVM: s.trial.KVM,
		Append: s.trial.Append,
	})
	if err != nil {
		return nil, err
	}
	s.world.Plug = m.SetLink
	for _, card := range s.cards() {
		if err := s.world.Attach(card.Name, card.Tap); err != nil {
			return nil, errors.Join(err, m.Close())
		}
	}
	return m, nil
}

// cards are the router's, named like the ends of the cables.
func (s stage) cards() []machine.NIC {
	var cards []machine.NIC
	for i, name := range lab.Cables(uplinks) {
		cards = append(cards, machine.NIC{Name: name, Tap: "t-" + name, MAC: fmt.Sprintf("52:54:00:00:00:%02x", i+1)})
	}
	return cards
}

// addresses lists the cards by their hardware addresses.
func addresses(cards []machine.NIC) map[string]string {
	names := map[string]string{}
	for _, card := range cards {
		names[card.MAC] = card.Name
	}
	return names
}
