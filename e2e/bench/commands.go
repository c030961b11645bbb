package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"e2e/lab"
)

// size is what commands are measured on.
type size struct{ uplinks, policies, rules int }

// measureCommands times whole processes of mwan3, with both backends, and prints the table.
func measureCommands(o options) error {
	l, err := lab.New(o.size.uplinks)
	if err != nil {
		return err
	}
	fmt.Printf("%d interfaces, %d policies of all of them, %d rules; milliseconds of the whole process, %d runs\n\n",
		2*o.size.uplinks, o.size.policies, o.size.rules, o.runs)
	fmt.Printf("%-10s %-32s %8s %8s %8s\n", "firewall", "command", "min", "median", "max")
	for _, backend := range []string{"nftables", "iptables"} {
		if err := writeConfig(backend, largeConfig(l, o.size)); err != nil {
			return err
		}
		if err := measureEach(backend, o.runs); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// largeConfig is quick tracking on all uplinks; each policy has all interfaces as members.
func largeConfig(l *lab.Lab, s size) string {
	var b strings.Builder
	b.WriteString(l.Sections(lab.Quick(), 4, 6))
	for i := range s.policies {
		fmt.Fprintf(&b, "config policy 'policy%d'\n", i)
		for _, iface := range l.Netifd.Interfaces {
			fmt.Fprintf(&b, "\tlist use_member '%s_m1'\n", iface.Name)
		}
	}
	for i := range s.rules {
		fmt.Fprintf(&b, "config rule 'rule%d'\n\toption proto 'tcp'\n\toption dest_port '%d'\n\toption use_policy 'policy%d'\n",
			i, 1000+i, i%s.policies)
	}
	return b.String()
}

// command is what is timed; before prepares each run.
type command struct {
	name   string
	args   []string
	before []string
}

func measureEach(backend string, runs int) error {
	verdict := func(action string) []string {
		return []string{"env", "ACTION=" + action, "INTERFACE=wan", "DEVICE=wan0", "mwan3", "hotplug"}
	}
	for _, c := range []command{
		{"load (kernel part of a start)", []string{"mwan3", "load"}, []string{"mwan3", "unload"}},
		{"reload, nothing changed", []string{"mwan3", "reload"}, nil},
		{"verdict: disconnected", verdict("disconnected"), verdict("connected")},
		{"mwan3 ifdown wan", []string{"mwan3", "ifdown", "wan"}, []string{"mwan3", "ifup", "wan"}},
		{"mwan3 status", []string{"mwan3", "status"}, nil},
		{"mwan3 policies", []string{"mwan3", "policies"}, nil},
		{"ubus call mwan3 status", []string{"mwan3", "rpcd", "call", "status"}, nil},
		{"unload (kernel part of a stop)", []string{"mwan3", "unload"}, []string{"mwan3", "load"}},
	} {
		times, err := repeat(c, runs)
		if err != nil {
			return err
		}
		fmt.Printf("%-10s %-32s %8.1f %8.1f %8.1f\n", backend, c.name, ms(times[0]), ms(times[len(times)/2]), ms(times[len(times)-1]))
	}
	return nil
}

// repeat returns the sorted times of the runs.
func repeat(c command, runs int) ([]time.Duration, error) {
	var times []time.Duration
	for range runs {
		if c.before != nil {
			if err := run(c.before...); err != nil {
				return nil, err
			}
		}
		begin := time.Now()
		if err := run(c.args...); err != nil {
			return nil, err
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times, nil
}

func run(args ...string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// ms is a duration in milliseconds.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
