package record

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"e2e/lab"
	"e2e/ubusd"
)

// Router is the machine of a record: its devices, addresses and routes, netifd on ubus, and behind all devices one
// machine, the World, that has the gateways and all targets.
type Router struct {
	t      *testing.T
	record Record
	bus    *ubusd.Server
	ifaces []iface // netifd's, in the order of the record's network config
}

// World is the network namespace behind the router's devices. The other end of each has the same name there.
const World = "world"

// NewRouter builds the machine in the namespaces of the calling lab. Whatever fails, then and later, ends the test.
func NewRouter(t *testing.T, r Record) *Router {
	t.Helper()
	m := &Router{t: t, record: r}
	m.readNetwork()
	m.IP("netns", "add", World)
	m.IP("-n", World, "link", "set", "lo", "up")
	m.IP("link", "set", "lo", "up")
	for _, device := range m.Devices() {
		m.wire(device)
	}
	for _, target := range m.targets() {
		m.IP("-n", World, "addr", "add", target.String(), "dev", "lo")
	}
	m.makeSets()
	bus, err := ubusd.Start("/var/run/ubus/ubus.sock")
	if err != nil {
		t.Fatal(err)
	}
	m.bus = bus
	for _, i := range m.ifaces {
		m.setUp(i, true)
	}
	m.awaitAddresses()
	return m
}

func (m *Router) awaitAddresses() {
	m.t.Helper()
	kernel, err := netlink.NewHandle()
	if err != nil {
		m.t.Fatal(err)
	}
	defer kernel.Close()
	if err := lab.AwaitAddresses(kernel); err != nil {
		m.t.Fatal(err)
	}
}

// Run runs a program on the router and returns its output.
func (m *Router) Run(args ...string) string {
	m.t.Helper()
	command := exec.Command(args[0], args[1:]...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// IP runs the tool ip.
func (m *Router) IP(args ...string) { m.t.Helper(); m.Run(append([]string{"ip"}, args...)...) }

// Configure installs a config, such as the record's part mwan3, for a backend: iptables or nftables.
func (m *Router) Configure(config, backend string) {
	m.t.Helper()
	const globals = "config globals 'globals'\n"
	text := strings.Replace(config, globals, globals+"\toption backend '"+backend+"'\n", 1)
	if err := os.WriteFile("/etc/config/mwan3", []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// Devices lists the devices of netifd's interfaces, without loopback.
func (m *Router) Devices() []string {
	var devices []string
	seen := map[string]bool{"lo": true}
	for _, i := range m.ifaces {
		if !seen[i.device] {
			seen[i.device] = true
			devices = append(devices, i.device)
		}
	}
	return devices
}

// Device returns the device of an interface of netifd, empty if there is none.
func (m *Router) Device(name string) string {
	for _, i := range m.ifaces {
		if i.name == name {
			return i.device
		}
	}
	return ""
}

// wire makes a device and gives its other end, in the world, the gateway's addresses.
func (m *Router) wire(device string) {
	m.IP("link", "add", device, "type", "veth", "peer", "name", device, "netns", World)
	m.IP("link", "set", device, "up")
	m.IP("-n", World, "link", "set", device, "up")
	for _, i := range m.ifaces {
		for _, addr := range i.addrs {
			if i.device == device && strings.HasPrefix(device, "wan") {
				gateway := netip.PrefixFrom(addr.Masked().Addr().Next(), addr.Bits())
				m.IP("-n", World, "addr", "add", gateway.String(), "dev", device, "nodad")
			}
		}
	}
}

// targets lists the addresses that the config tracks.
func (m *Router) targets() []netip.Addr {
	var targets []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, line := range strings.Split(m.record["mwan3"], "\n") {
		words := strings.Fields(line)
		if len(words) != 3 || words[1] != "track_ip" {
			continue
		}
		addr, err := netip.ParseAddr(strings.Trim(words[2], "'"))
		if err == nil && !seen[addr] {
			seen[addr] = true
			targets = append(targets, addr)
		}
	}
	return targets
}

// makeSets makes the ipsets that the record shows beside mwan3's own.
func (m *Router) makeSets() {
	for _, line := range strings.Split(m.record["1-start/ipset-save"], "\n") {
		words := strings.Fields(line)
		if len(words) < 3 || strings.HasPrefix(words[1], "mwan3_") {
			continue
		}
		if words[0] == "create" {
			words = words[:5] // name, type, family; the rest are defaults
		}
		m.Run(append([]string{"ipset"}, words...)...)
	}
}
