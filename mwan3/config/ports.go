package config

import (
	"fmt"
	"strconv"
	"strings"
)

// readPorts reads both port options. They count for TCP and UDP only.
func readPorts(r *reader, rule *Rule) bool {
	usable := r.ports("src_port", rule.Proto, &rule.SrcPorts)
	return r.ports("dest_port", rule.Proto, &rule.DstPorts) && usable
}

func (r *reader) ports(name string, proto Proto, ports *[]Ports) bool {
	text := r.text(name)
	if text == "" {
		return true
	}
	if proto != ProtoTCP && proto != ProtoUDP {
		r.fault(name, fmt.Sprintf("%s set to '%s' but proto set to '%s' not tcp or udp. %s will be ignored",
			name, text, first(r.text("proto"), "all"), name))
		return true
	}
	parsed, ok := parsePorts(text)
	if !ok {
		r.fault(name, portsWant(text))
	}
	*ports = parsed
	return ok
}

// portsWant says how ports are written; a range with a dash is a common slip.
func portsWant(text string) string {
	if fixed := strings.ReplaceAll(text, "-", ":"); fixed != text {
		if _, ok := parsePorts(fixed); ok {
			return fmt.Sprintf("%s; the rule is left out", fixed)
		}
	}
	return "port numbers up to 65535 or ranges such as 22, 80,443 or 1024:2048; the rule is left out"
}

// parsePorts reads ports and ranges with commas between them.
func parsePorts(text string) ([]Ports, bool) {
	var ports []Ports
	for _, word := range strings.Split(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(word), ":")
		if !isRange {
			to = from
		}
		first, errFirst := strconv.ParseUint(from, 10, 16)
		last, errLast := strconv.ParseUint(to, 10, 16)
		if errFirst != nil || errLast != nil || first > last {
			return nil, false
		}
		ports = append(ports, Ports{uint16(first), uint16(last)})
	}
	return ports, true
}
