package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"mwan3/bind"
	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/survey"
)

// shell runs what is no program: its builtins. What it does not know either it reports, with exit code 127.
const shell = "/bin/sh"

// use becomes another program, bound to an interface: all that it and its children send to other machines leaves through
// that interface, whatever the rules say. The program's exit code is ours. Unlike upstream we fail if it is not run.
func (c cli) use(args []string) error {
	command := usedCommand(args)
	if len(command) == 0 {
		return c.notUsed("no command specified for mwan3 use")
	}
	r, err := openRouter("mwan3")
	if err != nil {
		return err
	}
	defer r.close()
	binding, err := c.binding(r, args[0])
	if err != nil {
		return err
	}
	if err := bind.Enter(binding); err != nil {
		return fmt.Errorf("use %s: %w; '%s' is not run", args[0], err, strings.Join(args[1:], " "))
	}
	env := usedEnv(binding)
	fmt.Fprintf(c.err, "Running '%s' with %s\n", strings.Join(args[1:], " "), strings.Join(env, " "))
	return become(command, env)
}

// usedCommand is the command without the exec that shells need to give their process to it. What follows the interface
// may also be nothing but blanks.
func usedCommand(args []string) []string {
	if len(args) < 2 {
		return nil
	}
	command := args[1:]
	if command[0] == "exec" {
		command = command[1:]
	}
	if strings.Trim(strings.Join(command, ""), " ") == "" {
		return nil
	}
	return command
}

// notUsed tells why a command is not run, in upstream's words.
func (c cli) notUsed(format string, args ...any) error {
	fmt.Fprintf(c.err, format+"\n", args...)
	return exitCode(1)
}

// binding is what sockets get for an interface: of the config or, for IPv4, any that netifd has.
func (c cli) binding(r *router, name string) (b bind.Binding, err error) {
	interfaces, err := survey.Interfaces(c.ctx, r.cfg)
	if err != nil {
		return b, err
	}
	links, err := r.routing.Links()
	if err != nil {
		return b, fmt.Errorf("list devices: %w", err)
	}
	section, known := r.cfg.Interface(name)
	iface := usedInterface(network.State{Interfaces: interfaces}, name, section.Family)
	at := slices.IndexFunc(links, func(l iproute.Link) bool { return l.Name == iface.Device })
	if !iface.Up || at < 0 {
		return b, c.notUsed("could not find device for %s", name)
	}
	source, _ := network.Source(iface, section.Family, links[at].Addrs, allAddrs(links))
	if source.IsUnspecified() {
		return b, c.notUsed("could not find src_ip for %s", name)
	}
	if !known {
		fmt.Fprintf(c.err, "could not find family for %s. Using ipv4.\n", name)
	}
	b = bind.Binding{Family: section.Family, Device: iface.Device, Index: uint32(links[at].Index), Source: source}
	b.Mark, b.Route, err = r.usedMarks(section, iface.Gateway.IsValid())
	return b, err
}

// usedInterface returns the family's interface with, as upstream has it, the device of netifd's of the section's name if
// that has one.
func usedInterface(state network.State, name string, family network.Family) network.Interface {
	iface, _ := state.Lookup(name, family)
	if named := state.Interfaces[name]; named.Up && named.Device != "" {
		iface.Device, iface.Up = named.Device, true
	}
	return iface
}

func allAddrs(links []iproute.Link) (all []netip.Prefix) {
	for _, link := range links {
		all = append(all, link.Addrs...)
	}
	return all
}

// usedMarks returns the mark that the rules leave alone and with which the table main is used; and the mark that
// leads through the interface, if its ip rule is there. Where the config names the next hop (gateway), main has no way
// through the interface, and only that mark does.
func (r *router) usedMarks(section config.Interface, gateway bool) (mark, route uint32, err error) {
	mask := r.cfg.Globals.Mask
	mark = mask.SpecialMark(config.Default)
	rules, err := r.routing.Rules()
	if err != nil {
		return 0, 0, fmt.Errorf("list ip rules: %w", err)
	}
	for _, rule := range rules {
		own := rule.Action == network.Lookup && rule.Mask == uint32(mask) && plan.Owns(rule)
		if own && rule.Family == section.Family && rule.Table == section.ID && rule.Mark != 0 {
			route = rule.Mark
		}
	}
	if gateway && route != 0 {
		mark = route
	}
	return mark, route, nil
}

// usedEnv is what the program can read about its binding.
func usedEnv(b bind.Binding) []string {
	return []string{
		"DEVICE=" + b.Device,
		"SRCIP=" + b.Source.String(),
		fmt.Sprintf("FWMARK=0x%x", b.Mark),
		"FAMILY=" + b.Family.String(),
	}
}

// become executes the command in place of this program. It returns only if that fails.
func become(command, env []string) error {
	env = overlay(os.Environ(), env)
	if path, err := exec.LookPath(command[0]); err == nil {
		if err := syscall.Exec(path, command, env); !errors.Is(err, syscall.ENOEXEC) {
			return fmt.Errorf("execute %s: %w", path, err)
		}
	}
	err := syscall.Exec(shell, append([]string{"sh", "-c", `"$0" "$@"`}, command...), env)
	return fmt.Errorf("execute %s: %w", shell, err)
}

// overlay replaces the variables in env that are in over, too.
func overlay(env, over []string) []string {
	env = slices.DeleteFunc(env, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.ContainsFunc(over, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	})
	return append(env, over...)
}
