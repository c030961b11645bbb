package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Order does to the world what the words of a script say:
//
//	ispN drop|heal|lose PERCENT|carrier-off|carrier-on
//	target ADDRESS[:PORT]… BEHAVIOUR
//	name HOST [ADDRESS…]
func (w *World) Order(words ...string) error {
	verb, args := words[0], words[1:]
	switch verb {
	case "target":
		return w.target(args)
	case "name":
		return w.name(args)
	}
	isp, err := w.ISP(verb)
	if err != nil {
		return err
	}
	fault := isp.order(args)
	w.watch.note(isp)
	return fault
}

func (i *ISP) order(args []string) error {
	switch strings.Join(args, " ") {
	case "drop":
		return i.Drop()
	case "heal":
		return i.Heal()
	case "carrier-off":
		return i.CarrierOff()
	case "carrier-on":
		return i.CarrierOn()
	}
	if len(args) == 2 && args[0] == "lose" {
		if percent, err := strconv.Atoi(args[1]); err == nil {
			return i.Lose(percent)
		}
	}
	return fmt.Errorf("usage: %s drop|heal|lose PERCENT|carrier-off|carrier-on", i.Node.Name)
}

// target makes targets behave in some way.
func (w *World) target(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: target ADDRESS[:PORT]… BEHAVIOUR")
	}
	last := len(args) - 1
	for _, text := range args[:last] {
		addr, err := parseTarget(text)
		if err != nil {
			return err
		}
		if err := w.Targets.Behave(addr, args[last]); err != nil {
			return err
		}
	}
	return nil
}

// parseTarget reads an address, with a port or without, which is port 0.
func parseTarget(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(addr, 0), nil
	}
	return netip.ParseAddrPort(text)
}

// name gives a host name its addresses.
func (w *World) name(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: name HOST [ADDRESS…]")
	}
	var addrs []netip.Addr
	for _, text := range args[1:] {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		addrs = append(addrs, addr)
	}
	return w.Targets.Name(args[0], addrs...)
}

// Command is a program to be run on a machine of the world.
type Command struct {
	Node  string
	Args  []string
	Files map[string][]byte // that the arguments name: they are in its working directory
}

// Output is what a program has printed.
type Output struct{ Stdout, Stderr string }

// Run runs a program on a machine of the world. That it failed is an error, and there is an output nevertheless.
func (w *World) Run(c Command) (Output, error) {
	node, err := w.Node(c.Node)
	if err != nil {
		return Output{}, err
	}
	dir, err := os.MkdirTemp("", "lab-run-")
	if err != nil {
		return Output{}, err
	}
	defer os.RemoveAll(dir)
	for name, text := range c.Files {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600); err != nil {
			return Output{}, err
		}
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	var stdout, stderr strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err = node.Do(cmd.Run)
	return Output{stdout.String(), stderr.String()}, err
}

// ErrorOf makes an error of the text of one that has come a long way. What can become of a connection is recognized.
func ErrorOf(text string) error {
	for _, known := range []error{ErrUnreachable, ErrSilence, ErrBlackhole, ErrRefused} {
		if text == known.Error() {
			return known
		}
		if before, ok := strings.CutSuffix(text, ": "+known.Error()); ok {
			return fmt.Errorf("%s: %w", before, known)
		}
	}
	return errors.New(text)
}
