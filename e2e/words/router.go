package words

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
)

// Words about the router and the lab around it.

func (s *stage) draw(_ *testscript.TestScript, args []string) error {
	const help = "lab standalone|openwrt N"
	if len(args) != 2 {
		return usage(help)
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return usage(help)
	}
	if s.world, s.lab, err = s.Draw(count); err != nil {
		return err
	}
	if err := lab.Install(s.Bin); err != nil {
		return err
	}
	switch args[0] {
	case "standalone":
		return s.lab.BecomePlain()
	case "openwrt":
		return s.lab.BecomeOpenWrt(s.Files)
	}
	return usage(help)
}

// isp does something to provider number. That a cable is pulled or plugged in is a matter of the router's netifd, too.
func (s *stage) isp(number int, args []string) error {
	if err := s.world.Order(append([]string{fmt.Sprintf("isp%d", number)}, args...)...); err != nil {
		return err
	}
	switch args[0] {
	case "carrier-off", "carrier-on":
		return s.lab.Netifd.Carrier(lab.UplinkDevice(number), args[0] == "carrier-on")
	}
	return nil
}

func (s *stage) link(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[1] != "up" && args[1] != "down" {
		return usage("link DEVICE up|down")
	}
	return s.lab.Netifd.Link(args[0], args[1] == "up")
}

func (s *stage) netifd(_ *testscript.TestScript, args []string) error {
	netifd := s.lab.Netifd
	switch strings.Join(args, " ") {
	case "leave":
		return netifd.Leave()
	case "boot":
		return netifd.Boot()
	}
	verbs := map[string]func(string) error{"ifup": netifd.Ifup, "ifdown": netifd.Ifdown, "ifupdate": netifd.Ifupdate}
	if len(args) == 2 && verbs[args[0]] != nil {
		return verbs[args[0]](args[1])
	}
	if len(args) == 3 && args[0] == "readdress" {
		return netifd.Readdress(args[1], args[2])
	}
	return usage("netifd ifup|ifdown|ifupdate IFACE, netifd readdress IFACE PREFIX, netifd leave|boot")
}

// config concatenates files of the script, and generated sections, into /etc/config/mwan3.
func (s *stage) config(ts *testscript.TestScript, args []string) error {
	text := fmt.Sprintf("config globals 'globals'\n\toption mmx_mask '0x3F00'\n\toption backend '%s'\n\n", s.Backend)
	for _, name := range args {
		switch name {
		case "uplinks":
			text += s.lab.Sections(lab.Pace(s.Patience), 4, 6)
		case "uplinks4":
			text += s.lab.Sections(lab.Pace(s.Patience), 4)
		case "uplinks6":
			text += s.lab.Sections(lab.Pace(s.Patience), 6)
		default:
			text += ts.ReadFile(name)
		}
	}
	return os.WriteFile("/etc/config/mwan3", []byte(text), 0o600)
}

func (s *stage) mwan3(ts *testscript.TestScript, neg bool, args []string) {
	expect(ts, neg, ts.Exec("/usr/sbin/mwan3", args...))
}

// on runs a program on another machine. Files of the script that its arguments name travel there with it.
func (s *stage) on(ts *testscript.TestScript, neg bool, args []string) {
	if s.lab == nil || len(args) < 2 {
		ts.Fatalf("usage: on NODE CMD ARG…, after lab")
	}
	command := lab.Command{Node: args[0], Args: args[1:], Files: map[string][]byte{}}
	for _, name := range args[2:] {
		if text, err := os.ReadFile(ts.MkAbs(name)); err == nil && filepath.IsLocal(name) {
			command.Files[name] = text
		}
	}
	out, err := s.world.Run(command)
	fmt.Fprint(ts.Stdout(), out.Stdout)
	fmt.Fprint(ts.Stderr(), out.Stderr)
	expect(ts, neg, err)
}

// expect ends the script unless a program failed as expected.
func expect(ts *testscript.TestScript, neg bool, err error) {
	switch {
	case err != nil && !neg:
		ts.Fatalf("unexpected failure: %v", err)
	case err == nil && neg:
		ts.Fatalf("unexpected success")
	}
}

func (s *stage) online(_ *testscript.TestScript, args []string) error {
	return s.awaitState(args, "online")
}

func (s *stage) offline(_ *testscript.TestScript, args []string) error {
	return s.awaitState(args, "offline")
}

// awaitState waits until the files of tracker and policies agree on each interface. To be down counts as offline.
func (s *stage) awaitState(ifaces []string, want string) error {
	for _, iface := range ifaces {
		err := s.eventually(func() error {
			routed := readWord("/var/run/mwan3/iface_state/"+iface, "offline")
			tracked := readWord("/var/run/mwan3track/"+iface+"/STATUS", "no tracker")
			if tracked == "disabled" && want == "offline" {
				tracked = "offline"
			}
			if routed != want || tracked != want {
				return fmt.Errorf("%s: policies follow %q, the tracker says %q; want %q", iface, routed, tracked, want)
			}
			if _, err := os.Stat("/var/run/mwan3/changing"); err == nil {
				return fmt.Errorf("%s is %s, but mwan3 is still at work", iface, want)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readWord reads a file of one word.
func readWord(path, absent string) string {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return absent
	}
	return strings.TrimSpace(string(text))
}

func (s *stage) awaitOutput(ts *testscript.TestScript, neg bool, args []string) {
	if s.lab == nil || len(args) < 2 {
		ts.Fatalf("usage: await PATTERN CMD ARG…, after lab")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ts.Check(s.eventually(func() error {
		out, err := s.lab.Router.Run("", args[1:]...)
		if err == nil && pattern.MatchString(out) == neg {
			err = fmt.Errorf("pattern %q: want a match: %v, in the output of %s:\n%s", args[0], !neg, strings.Join(args[1:], " "), out)
		}
		return err
	}))
}

// snapshots are the commands that show everything that a router program can leave in the kernel.
func snapshots() []string {
	return []string{
		"ip -4 rule", "ip -6 rule", "ip -4 route show table all", "ip -6 route show table all",
		"nft -s list ruleset", "iptables -t mangle -S", "ip6tables -t mangle -S",
	}
}

func (s *stage) snapshot(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return usage("snapshot FILE")
	}
	changing := regexp.MustCompile(`packets \d+ bytes \d+|expires \w+`) // between two looks at the same state
	var text strings.Builder
	for _, command := range snapshots() {
		words := strings.Fields(command)
		if _, err := exec.LookPath(words[0]); err != nil {
			continue // a router with only one of the two firewalls
		}
		out, err := s.lab.Router.Run("", words...)
		if err != nil {
			return err
		}
		out = changing.ReplaceAllString(out, "…")
		if strings.Contains(command, " route ") {
			out = sortRoutes(out)
		}
		fmt.Fprintf(&text, "# %s\n%s\n", command, out)
	}
	return os.WriteFile(ts.MkAbs(args[0]), []byte(text.String()), 0o600)
}

// sortRoutes makes the lists of equal sets of routes equal. The kernel's own table local is left out.
func sortRoutes(list string) string {
	var routes []string
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		if !strings.Contains(line+" ", " table local ") {
			routes = append(routes, strings.TrimSpace(line)+"\n")
		}
	}
	slices.Sort(routes)
	return strings.Join(routes, "")
}
