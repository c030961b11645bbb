package upstream

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"e2e/ubusd"
	"mwan3/uci"
)

// router is the machine that upstream was recorded on, rebuilt: the devices, addresses and routes of the record, netifd
// on ubus, and behind the uplinks one machine that has all targets.
type router struct {
	t      *testing.T
	record record
	bus    *ubusd.Server
	ifaces []iface // netifd's, in the order of the record's network config
}

// iface is one interface section of the record's network config.
type iface struct {
	name, device string
	addrs        []netip.Prefix
}

const world = "world"

// newRouter builds the machine in the namespaces of the calling lab.
func newRouter(t *testing.T, r record) *router {
	t.Helper()
	m := &router{t: t, record: r}
	m.writeConfig()
	m.readNetwork()
	m.ip("netns", "add", world)
	m.ip("-n", world, "link", "set", "lo", "up")
	m.ip("link", "set", "lo", "up")
	for i, device := range m.devices() {
		m.wire(i, device)
	}
	for _, target := range m.targets() {
		m.ip("-n", world, "addr", "add", target.String(), "dev", "lo")
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
	return m
}

// run runs a program on the router and returns its output; a failure ends the test.
func (m *router) run(args ...string) string {
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

func (m *router) ip(args ...string) { m.t.Helper(); m.run(append([]string{"ip"}, args...)...) }

// writeConfig installs the record's config, for the iptables backend.
func (m *router) writeConfig() {
	text := strings.Replace(m.record["mwan3"], "config globals 'globals'\n",
		"config globals 'globals'\n\toption backend 'iptables'\n", 1)
	if err := os.WriteFile("/etc/config/mwan3", []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// readNetwork reads the interfaces of the record's network config.
func (m *router) readNetwork() {
	file := filepath.Join(m.t.TempDir(), "network")
	if err := os.WriteFile(file, []byte(m.record["network"]), 0o644); err != nil {
		m.t.Fatal(err)
	}
	sections, _, err := uci.Load(uci.Layers{Files: []string{file}})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, section := range sections {
		if section.Type == "interface" {
			m.ifaces = append(m.ifaces, ifaceOf(section))
		}
	}
}

func ifaceOf(section uci.Section) iface {
	value := func(name string) string {
		option, _ := section.Option(name)
		if len(option.Values) == 0 {
			return ""
		}
		return option.Values[0].Text
	}
	i := iface{name: section.Name, device: value("device")}
	if addr, err := netip.ParseAddr(value("ipaddr")); err == nil {
		bits := map[string]int{"255.0.0.0": 8, "255.255.255.0": 24}[value("netmask")]
		i.addrs = append(i.addrs, netip.PrefixFrom(addr, bits))
	}
	if prefix, err := netip.ParsePrefix(value("ip6addr")); err == nil {
		i.addrs = append(i.addrs, prefix)
	}
	return i
}

// devices lists the devices of the interfaces, without loopback.
func (m *router) devices() []string {
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

// wire makes a device and gives its other end, in the world, the gateway's addresses.
func (m *router) wire(number int, device string) {
	m.ip("link", "add", device, "type", "veth", "peer", "name", device, "netns", world)
	m.ip("link", "set", device, "up")
	m.ip("-n", world, "link", "set", device, "up")
	for _, i := range m.ifaces {
		for _, addr := range i.addrs {
			if i.device == device && strings.HasPrefix(device, "wan") {
				gateway := netip.PrefixFrom(addr.Masked().Addr().Next(), addr.Bits())
				m.ip("-n", world, "addr", "add", gateway.String(), "dev", device, "nodad")
			}
		}
	}
}

// targets lists the addresses that the config tracks.
func (m *router) targets() []netip.Addr {
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
func (m *router) makeSets() {
	for _, line := range strings.Split(m.record["1-start/ipset-save"], "\n") {
		words := strings.Fields(line)
		if len(words) < 3 || strings.HasPrefix(words[1], "mwan3_") {
			continue
		}
		if words[0] == "create" {
			words = words[:5] // name, type, family; the rest are defaults
		}
		m.run(append([]string{"ipset"}, words...)...)
	}
}

// setUp gives an interface its addresses, or takes them away, and tells netifd's clients.
func (m *router) setUp(i iface, up bool) {
	m.t.Helper()
	verb := "del"
	if up {
		verb = "add"
	}
	for _, addr := range i.addrs {
		if i.device == "lo" {
			continue // the kernel did it
		}
		args := []string{"addr", verb, addr.String(), "dev", i.device}
		if up && addr.Addr().Is4() {
			args = append(args, "brd", "+")
		}
		if up {
			args = append(args, "nodad")
		}
		m.ip(args...)
	}
	m.bus.SetInterface(i.name, ubusd.Interface{Up: up, Device: i.device, Addrs: i.addrs})
}

// iface finds an interface by its name.
func (m *router) iface(name string) iface {
	for _, i := range m.ifaces {
		if i.name == name {
			return i
		}
	}
	m.t.Fatalf("the record has no interface %s", name)
	return iface{}
}

// setRoutes makes main, and the table of rt_table_lookup, exactly what the record shows after the step: netifd's part.
func (m *router) setRoutes(step string) {
	m.t.Helper()
	for _, family := range []string{"4", "6"} {
		m.setTable(family, "main", m.record[step+"/ip"+family+"-route-main"])
	}
	if text, ok := m.record[step+"/ip4-route-table-220"]; ok {
		m.setTable("4", "220", text)
	}
}

func (m *router) setTable(family, table, text string) {
	m.t.Helper()
	wanted := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			wanted[line] = true
		}
	}
	have, _ := exec.Command("ip", "-"+family, "route", "show", "table", table).Output() // fails for a table without routes
	for _, line := range strings.Split(string(have), "\n") {
		if line = strings.TrimSpace(line); line != "" && !wanted[line] {
			m.ip(append([]string{"-" + family, "route", "del", "table", table}, strings.Fields(line)...)...)
		}
		delete(wanted, line)
	}
	for _, via := range []bool{false, true} { // first what the gateways of the others are on
		for line := range wanted {
			if strings.Contains(line, " via ") == via {
				m.ip(append([]string{"-" + family, "route", "add", "table", table}, strings.Fields(line)...)...)
			}
		}
	}
}

// hotplug is an event of netifd or of a tracker, as 15-mwan3 gets it.
func (m *router) hotplug(action, name, device string) {
	m.t.Helper()
	m.run("env", "-i", "PATH="+os.Getenv("PATH"), "ACTION="+action, "INTERFACE="+name, "DEVICE="+device, "mwan3", "hotplug")
}

// section is one part of what is on the router now, in the form of the record.
func (m *router) section(name string) (string, error) {
	m.t.Helper()
	family := ""
	if strings.HasPrefix(name, "ip6") {
		family = "6"
	}
	switch {
	case strings.HasSuffix(name, "-rule"):
		return m.run("ip", "-"+name[2:3], "rule"), nil
	case strings.Contains(name, "-route-table-"):
		_, table, _ := strings.Cut(name, "-route-table-")
		out, _ := exec.Command("ip", "-"+name[2:3], "route", "show", "table", table).Output()
		return string(out), nil
	case strings.HasSuffix(name, "tables-mangle"):
		return m.run("ip"+family+"tables-save", "-t", "mangle"), nil
	case name == "ipset-save":
		return m.run("ipset", "save"), nil
	case name == "mwan3-status":
		return m.run("mwan3", "status"), nil
	}
	return "", errors.New("unknown part " + name)
}
