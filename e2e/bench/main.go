// Command bench measures whole processes of mwan3 in a lab: how long a start, a verdict, a reload, a status take on a
// router with many interfaces, policies and rules, with both firewalls.
//
//	bench -bin DIR [-uplinks 60] [-policies 10] [-rules 100] [-runs 15]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"e2e/lab"
)

// size is what is measured on.
type size struct{ uplinks, policies, rules int }

func main() {
	lab.Enter()
	var s size
	bin := flag.String("bin", "", "the directory of the three programs")
	flag.IntVar(&s.uplinks, "uplinks", 30, "uplinks; each has an interface for IPv4 and one for IPv6")
	flag.IntVar(&s.policies, "policies", 10, "policies, each of all interfaces")
	flag.IntVar(&s.rules, "rules", 100, "rules")
	runs := flag.Int("runs", 15, "runs of each command")
	flag.Parse()
	if !lab.Inside() {
		if err := lab.Run(context.Background(), os.Stdout, os.Stderr, os.Args[1:]...); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := measure(*bin, s, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(bin string, s size, runs int) error {
	if err := lab.Install(bin); err != nil {
		return err
	}
	l, err := lab.New(s.uplinks)
	if err != nil {
		return err
	}
	fmt.Printf("%d interfaces, %d policies of all of them, %d rules; milliseconds of the whole process, %d runs\n\n",
		2*s.uplinks, s.policies, s.rules, runs)
	fmt.Printf("%-10s %-32s %8s %8s %8s\n", "firewall", "command", "min", "median", "max")
	for _, backend := range []string{"nftables", "iptables"} {
		if err := os.WriteFile("/etc/config/mwan3", []byte(config(l, s, backend)), 0o644); err != nil {
			return err
		}
		if err := measureAll(backend, runs); err != nil {
			return err
		}
	}
	return nil
}

// config is stock tracking on all uplinks; each policy has all interfaces as members.
func config(l *lab.Lab, s size, backend string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "config globals 'globals'\n\toption backend '%s'\n", backend)
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

func measureAll(backend string, runs int) error {
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
		{"unload (kernel part of a stop)", []string{"mwan3", "unload"}, []string{"mwan3", "load"}},
	} {
		times, err := repeat(c, runs)
		if err != nil {
			return err
		}
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		fmt.Printf("%-10s %-32s %8.1f %8.1f %8.1f\n", backend, c.name, ms(times[0]), ms(times[len(times)/2]), ms(times[len(times)-1]))
	}
	return nil
}

// repeat returns the sorted times of the runs.
func repeat(c command, runs int) ([]time.Duration, error) {
	var times []time.Duration
	for range runs {
		if c.before != nil {
			if err := run(c.before); err != nil {
				return nil, err
			}
		}
		begin := time.Now()
		if err := run(c.args); err != nil {
			return nil, err
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times, nil
}

func run(args []string) error {
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
