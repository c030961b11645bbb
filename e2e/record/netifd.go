package record

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"e2e/ubusd"
	"mwan3/uci"
)

// iface is one interface section of the record's network config.
type iface struct {
	name, device string
	addrs        []netip.Prefix
}

// readNetwork reads the interfaces of the record's network config.
func (m *Router) readNetwork() {
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

// setUp gives an interface its addresses, or takes them away, and tells netifd's clients.
func (m *Router) setUp(i iface, up bool) {
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
		m.IP(args...)
	}
	m.bus.SetInterface(i.name, ubusd.Interface{Up: up, Device: i.device, Addrs: i.addrs})
}

// iface finds an interface by its name.
func (m *Router) iface(name string) iface {
	for _, i := range m.ifaces {
		if i.name == name {
			return i
		}
	}
	m.t.Fatalf("the record has no interface %s", name)
	return iface{}
}

// SetRoutes makes main, and the table of rt_table_lookup, exactly what the record shows after the step: netifd's part.
func (m *Router) SetRoutes(step string) {
	m.t.Helper()
	for _, family := range []string{"4", "6"} {
		m.setTable(family, "main", m.record[step+"/ip"+family+"-route-main"])
	}
	if text, ok := m.record[step+"/ip4-route-table-220"]; ok {
		m.setTable("4", "220", text)
	}
}

func (m *Router) setTable(family, table, text string) {
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
			m.IP(append([]string{"-" + family, "route", "del", "table", table}, strings.Fields(line)...)...)
		}
		delete(wanted, line)
	}
	for _, via := range []bool{false, true} { // first what the gateways of the others are on
		for line := range wanted {
			if strings.Contains(line, " via ") == via {
				m.IP(append([]string{"-" + family, "route", "add", "table", table}, strings.Fields(line)...)...)
			}
		}
	}
}
