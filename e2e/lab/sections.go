package lab

import (
	"fmt"
	"slices"
	"strings"
)

// Tracking is the pace of the trackers in a generated config, as values of UCI options.
type Tracking struct{ Interval, Timeout, Down, Up string }

// Quick is the pace of the scripts.
func Quick() Tracking { return Pace(1) }

// Pace is that of the scripts on a router that takes so many times longer for everything: answers may be late, and it does not
// spend all of its time on probes.
func Pace(patience int) Tracking {
	p := float64(max(patience, 1))
	return Tracking{Interval: fmt.Sprintf("%.3g", 0.3*max(p/2, 1)), Timeout: fmt.Sprintf("%.3g", 0.5*p), Down: "3", Up: "3"}
}

// Sections returns mwan3 interface sections for all uplinks in these families (4, 6), tracked by two targets, and
// members of weight 1 for each: wan_m1, wan_m2 and wan_m3 of metric 1, 2 and 3. On a router without netifd the interfaces
// name their devices.
func (s *Site) Sections(pace Tracking, families ...int) string {
	var text strings.Builder
	for _, iface := range s.Netifd.Interfaces {
		if slices.Contains(families, iface.family()) {
			s.section(&text, iface, pace)
		}
	}
	return text.String()
}

func (s *Site) section(text *strings.Builder, iface *Interface, pace Tracking) {
	target := "198.51.100.%d"
	if iface.V6 {
		target = "2001:db8:51::%d"
	}
	option := func(kind, name, value string) { fmt.Fprintf(text, "\t%s %s '%s'\n", kind, name, value) }
	fmt.Fprintf(text, "config interface '%s'\n", iface.Name)
	option("option", "enabled", "1")
	option("option", "family", fmt.Sprintf("ipv%d", iface.family()))
	if s.Netifd.bus == nil {
		option("option", "device", iface.Device)
	}
	option("list", "track_ip", fmt.Sprintf(target, 1))
	option("list", "track_ip", fmt.Sprintf(target, 2))
	option("option", "interval", pace.Interval)
	option("option", "timeout", pace.Timeout)
	option("option", "down", pace.Down)
	option("option", "up", pace.Up)
	for _, metric := range []string{"1", "2", "3"} {
		fmt.Fprintf(text, "config member '%s_m%s'\n", iface.Name, metric)
		option("option", "interface", iface.Name)
		option("option", "metric", metric)
		option("option", "weight", "1")
	}
	text.WriteString("\n")
}
