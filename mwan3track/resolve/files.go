package resolve

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"mwan3/network"
)

// Limits of what resolv.conf may say, as musl's resolver has them.
const (
	maxServers  = 3
	maxNdots    = 15
	maxTimeout  = 60 * time.Second
	maxAttempts = 10
	dnsPort     = 53
)

// server is a name server. Zones of link-local addresses have been made numbers.
type server struct {
	addr netip.AddrPort
	zone uint32
}

// system is what resolv.conf says.
type system struct {
	servers  []server
	search   []string
	ndots    int           // names with fewer dots are tried with search first
	timeout  time.Duration // for an answer
	attempts int           // rounds of all servers
}

// readSystem reads resolv.conf. One that is missing, or that names no server, means the router's own.
func readSystem(path string) system {
	s := system{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	text, _ := os.ReadFile(path)
	for _, line := range strings.Split(string(text), "\n") {
		s.readLine(strings.Fields(line))
	}
	if len(s.servers) == 0 {
		s.servers = []server{{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort)}}
	}
	return s
}

func (s *system) readLine(words []string) {
	if len(words) < 2 {
		return
	}
	switch words[0] {
	case "nameserver":
		if found, ok := parseServer(words[1]); ok && len(s.servers) < maxServers {
			s.servers = append(s.servers, found)
		}
	case "search":
		s.search = words[1:]
	case "domain":
		s.search = words[1:2]
	case "options":
		for _, word := range words[1:] {
			s.readOption(word)
		}
	}
}

// readOption reads ndots, timeout and attempts. Others ask for what a lookup of a single address does not need.
func (s *system) readOption(word string) {
	name, value, _ := strings.Cut(word, ":")
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return
	}
	switch name {
	case "ndots":
		s.ndots = min(n, maxNdots)
	case "timeout":
		s.timeout = min(time.Duration(max(n, 1))*time.Second, maxTimeout)
	case "attempts":
		s.attempts = min(max(n, 1), maxAttempts)
	}
}

// parseServer reads an address. Its zone is a device or a number.
func parseServer(text string) (server, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return server{}, false
	}
	zone := uint64(0)
	if name := addr.Zone(); name != "" {
		zone, err = strconv.ParseUint(name, 10, 32)
		if device, failed := net.InterfaceByName(name); failed == nil {
			zone, err = uint64(device.Index), nil
		}
	}
	return server{addr: netip.AddrPortFrom(addr.Unmap().WithZone(""), dnsPort), zone: uint32(zone)}, err == nil
}

// names lists what to ask for, in order: a name with a dot at its end is complete.
func (s system) names(host string) []string {
	if whole, ok := strings.CutSuffix(host, "."); ok {
		return []string{whole}
	}
	var names []string
	for _, domain := range s.search {
		if domain = strings.Trim(domain, "."); domain != "" {
			names = append(names, host+"."+domain)
		}
	}
	if strings.Count(host, ".") >= s.ndots {
		return append([]string{host}, names...)
	}
	return append(names, host)
}

// readHosts returns the addresses that a hosts file gives a name.
func readHosts(path string, family network.Family, host string) []netip.Addr {
	var addrs []netip.Addr
	text, _ := os.ReadFile(path)
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(name string) bool { return sameName(name, host) }) {
			continue
		}
		if addr, err := netip.ParseAddr(words[0]); err == nil && addr.BitLen() == family.Bits() && addr.Zone() == "" {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// sameName compares host names, with or without a dot at the end.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
