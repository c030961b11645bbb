package record

import (
	"os"
	"os/exec"
	"strings"
)

// Act does what was done in a step.
func (m *Router) Act(step string) {
	m.t.Helper()
	switch step {
	case "1-start":
		m.Run("mwan3", "start")
	case "2-disconnected":
		m.Hotplug("disconnected", "wan", "wan0")
	case "3-connected":
		m.Hotplug("connected", "wan", "wan0")
	case "4-mwan3-ifdown":
		m.Run("mwan3", "ifdown", "wan")
	case "5-mwan3-ifup":
		m.Run("mwan3", "ifup", "wan")
	case "6-netifd-ifdown":
		m.setUp(m.iface("wan"), false)
		m.Hotplug("ifdown", "wan", "")
	case "7-netifd-ifup":
		m.setUp(m.iface("wan"), true)
		m.SetRoutes(step)
		m.Hotplug("ifup", "wan", "wan0")
	case "8a-mwan3-ifdown-wan6":
		m.Run("mwan3", "ifdown", "wan6")
	case "8b-mwan3-ifup-wan6":
		m.Run("mwan3", "ifup", "wan6")
	case "9-stop":
		m.Run("mwan3", "stop")
	default:
		m.t.Fatalf("nobody knows what to do in step %s", step)
	}
}

// Hotplug is an event of netifd or of a tracker, as 15-mwan3 gets it.
func (m *Router) Hotplug(action, name, device string) {
	m.t.Helper()
	m.Run("env", "-i", "PATH="+os.Getenv("PATH"), "ACTION="+action, "INTERFACE="+name, "DEVICE="+device, "mwan3", "hotplug")
}

// Part is one part of what is on the router now, in the form of the record.
func (m *Router) Part(name string) string {
	m.t.Helper()
	family := ""
	if strings.HasPrefix(name, "ip6") {
		family = "6"
	}
	switch {
	case strings.HasSuffix(name, "-rule"):
		return m.Run("ip", "-"+name[2:3], "rule")
	case strings.Contains(name, "-route-table-"):
		_, table, _ := strings.Cut(name, "-route-table-")
		out, _ := exec.Command("ip", "-"+name[2:3], "route", "show", "table", table).Output() // fails for a table without routes
		return string(out)
	case strings.HasSuffix(name, "tables-mangle"):
		return m.Run("ip"+family+"tables-save", "-t", "mangle")
	case name == "ipset-save":
		return m.Run("ipset", "save")
	case name == "mwan3-status":
		return m.Run("mwan3", "status")
	case name == "ubus-mwan3-status":
		return m.Run("mwan3", "rpcd", "call", "status") // as rpcd does for a call without arguments
	}
	m.t.Fatalf("nobody knows how to look at %s", name)
	return ""
}
