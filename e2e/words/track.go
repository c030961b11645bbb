package words

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
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
	return s.world.Order(append([]string{"target"}, args...)...)
}

// name gives a host name its addresses, where the router asks for them.
func (s *stage) name(_ *testscript.TestScript, args []string) error {
	return errors.Join(s.lab.FindNames(), s.world.Order(append([]string{"name"}, args...)...))
}
