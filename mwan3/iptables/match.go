package iptables

import (
	"fmt"
	"net/netip"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// maxPorts is how many ports one multiport match holds; a range takes two (XT_MULTI_PORTS).
const maxPorts = 15

// matches returns the rule's matches, one string for each combination of its lists: sources, then destinations,
// then groups of ports. A packet is matched by the rule if any of them matches it.
func matches(r plan.Rule) []string {
	device := ""
	if r.InDevice != "" {
		device = "-i " + quote(r.InDevice)
	}
	set := ""
	if r.Set != "" {
		set = matchSet(r.Set, "dst")
	}
	list := addressMatches("-s", r.Src)
	list = product(list, addressMatches("-d", r.Dst))
	list = product(list, []string{join(device, protoMatch(r.Proto), set)})
	list = product(list, portMatches("--sports", r.SrcPorts))
	return product(list, portMatches("--dports", r.DstPorts))
}

// product joins each of a with each of b.
func product(a, b []string) []string {
	var all []string
	for _, left := range a {
		for _, right := range b {
			all = append(all, join(left, right))
		}
	}
	return all
}

// addressMatches returns one match per prefix; a prefix that holds every address needs none. iptables can negate
// one prefix; several become the prefixes of everything else.
func addressMatches(flag string, a config.Addresses) []string {
	if len(a.Prefixes) == 0 {
		return []string{""}
	}
	prefixes, not := a.Prefixes, ""
	if a.Not && len(prefixes) == 1 && prefixes[0].Bits() > 0 {
		not = "!"
	} else if a.Not {
		prefixes = outside(prefixes)
	}
	var list []string
	for _, p := range prefixes {
		if p.Bits() == 0 {
			list = append(list, "")
			continue
		}
		list = append(list, join(not, flag, p.Masked().String()))
	}
	return list
}

// outside returns the prefixes of all addresses that are in none of the list, whose prefixes are of one family.
func outside(list []netip.Prefix) []netip.Prefix {
	everything := netip.PrefixFrom(list[0].Addr(), 0).Masked()
	return carve(everything, list)
}

// carve returns what is left of p without the list: all of it, nothing, or what is left of its halves.
func carve(p netip.Prefix, list []netip.Prefix) []netip.Prefix {
	touched := false
	for _, hole := range list {
		if hole.Bits() <= p.Bits() && hole.Contains(p.Addr()) {
			return nil
		}
		touched = touched || p.Overlaps(hole)
	}
	if !touched {
		return []netip.Prefix{p}
	}
	low, high := network.Halves(p)
	return append(carve(low, list), carve(high, list)...)
}

// protoMatch names the protocols that iptables itself has names for; the others keep their number.
func protoMatch(p config.Proto) string {
	names := map[config.Proto]string{config.ProtoICMP: "icmp", config.ProtoTCP: "tcp", config.ProtoUDP: "udp",
		config.ProtoICMPv6: "ipv6-icmp", 50: "esp", 51: "ah", 132: "sctp", 136: "udplite"}
	if p == config.ProtoAll {
		return ""
	}
	if name, ok := names[p]; ok {
		return "-p " + name
	}
	return fmt.Sprintf("-p %d", p)
}

// portMatches returns one multiport match for each group of ports that fits in one.
func portMatches(flag string, ports []config.Ports) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var list, group []string
	flush := func() { list = append(list, "-m multiport "+flag+" "+strings.Join(group, ",")) }
	used := 0
	for _, p := range ports {
		text, size := portText(p)
		if used+size > maxPorts {
			flush()
			group, used = nil, 0
		}
		group, used = append(group, text), used+size
	}
	flush()
	return list
}

// portText returns the ports as multiport reads them, and how many of its places they take.
func portText(p config.Ports) (string, int) {
	if p.First == p.Last {
		return fmt.Sprint(p.First), 1
	}
	return fmt.Sprintf("%d:%d", p.First, p.Last), 2
}
