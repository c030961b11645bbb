package words

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
)

// Words about trackers and their targets.

// track appends an interface section to the config: quick, and offline until its target has answered.
func (s *stage) track(_ *testscript.TestScript, args []string) error {
	if len(args) < 3 {
		return usage("track IFACE METHOD TARGET[,TARGET…] [OPTION=VALUE…]")
	}
	iface, err := s.lab.Netifd.Interface(args[0])
	if err != nil {
		return err
	}
	family := "ipv4"
	if iface.V6 {
		family = "ipv6"
	}
	options := append([]string{
		"enabled=1", "family=" + family, "device=" + iface.Device, "initial_state=offline", "track_method=" + args[1],
		"interval=0.2", "timeout=0.4", "down=2", "up=2",
	}, args[3:]...)
	text := fmt.Sprintf("config interface '%s'\n", iface.Name)
	for _, target := range strings.Split(args[2], ",") {
		text += fmt.Sprintf("\tlist track_ip '%s'\n", target)
	}
	for _, option := range options {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("%q is not OPTION=VALUE", option)
		}
		text += fmt.Sprintf("\toption %s '%s'\n", name, value)
	}
	return appendConfig(text)
}

func appendConfig(text string) error {
	file, err := os.OpenFile("/etc/config/mwan3", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// target makes targets behave in some way.
func (s *stage) target(_ *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage("target ADDRESS[:PORT]… BEHAVIOUR")
	}
	last := len(args) - 1
	for _, text := range args[:last] {
		addr, err := parseTarget(text)
		if err != nil {
			return err
		}
		if err := s.oddTargets().Behave(addr, args[last]); err != nil {
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
func (s *stage) name(_ *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return usage("name HOST [ADDRESS…]")
	}
	var addrs []netip.Addr
	for _, text := range args[1:] {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		addrs = append(addrs, addr)
	}
	return s.oddTargets().Name(args[0], addrs...)
}

func (s *stage) oddTargets() *lab.Targets {
	if s.targets == nil {
		s.targets = lab.NewTargets(s.lab)
	}
	return s.targets
}
