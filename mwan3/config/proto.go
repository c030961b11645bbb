package config

import (
	"strconv"
	"strings"
)

// readProto reads the protocol: a name or a number.
func readProto(r *reader, rule *Rule) bool {
	proto, ok := parseProto(r.text("proto"))
	if !ok {
		r.fault("proto", "one protocol such as tcp, udp, icmp or esp, its number, or all; the rule is left out")
	}
	rule.Proto = proto
	return ok
}

func parseProto(text string) (Proto, bool) {
	text = strings.ToLower(text)
	if n, err := strconv.ParseUint(text, 10, 8); err == nil {
		return Proto(n), true
	}
	return protoByName(text)
}

// protoByName knows what /etc/protocols of OpenWrt lists and what iptables knows without it.
func protoByName(name string) (Proto, bool) {
	switch name {
	case "", "all", "ip":
		return ProtoAll, true
	case "tcp":
		return ProtoTCP, true
	case "udp":
		return ProtoUDP, true
	case "icmp":
		return ProtoICMP, true
	case "ipv6-icmp", "icmpv6", "icmp6":
		return ProtoICMPv6, true
	}
	proto, ok := map[string]Proto{
		"igmp": 2, "ggp": 3, "ipencap": 4, "ip-encap": 4, "st": 5, "egp": 8, "igp": 9, "pup": 12, "hmp": 20, "xns-idp": 22,
		"rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37, "idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43,
		"ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "esp": 50, "ipsec-esp": 50, "ah": 51, "ipsec-ah": 51,
		"skip": 57, "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73, "cphb": 73, "vmtp": 81, "eigrp": 88, "ospf": 89,
		"ospfigp": 89,
		"ax.25":   93, "ipip": 94, "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115,
		"isis": 124, "sctp": 132, "fc": 133, "mh": 135, "ipv6-mh": 135, "mobility-header": 135, "udplite": 136,
		"mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142,
	}[name]
	return proto, ok
}
