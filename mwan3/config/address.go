package config

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"

	"mwan3/network"
)

var (
	errAddress = errors.New("addresses or networks such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, with commas " +
		"between them; the rule is left out")
	errMixed   = errors.New("addresses of one family; the rule is left out")
	errNothing = errors.New("a network that leaves something: this is no address at all; the rule is left out")
)

// readAddresses reads what the rule says about addresses, and with it the families to which it applies.
func readAddresses(r *reader, rule *Rule) bool {
	rule.Families = ruleFamilies(r.choice("family", "any", "ipv4", "ipv6"))
	usable := r.addresses("src_ip", rule, &rule.Src)
	return r.addresses("dest_ip", rule, &rule.Dst) && usable
}

func ruleFamilies(word string) []network.Family {
	switch word {
	case "ipv4":
		return []network.Family{network.IPv4}
	case "ipv6":
		return []network.Family{network.IPv6}
	}
	return []network.Family{network.IPv4, network.IPv6}
}

// addresses reads one option into addrs and narrows the rule to the addresses' family.
func (r *reader) addresses(name string, rule *Rule, addrs *Addresses) bool {
	text := r.text(name)
	if text == "" {
		return true
	}
	parsed, family, err := parseAddresses(text)
	if err != nil {
		r.fault(name, err.Error())
		return false
	}
	*addrs = parsed
	if len(rule.Families) == 1 && rule.Families[0] != family {
		r.fault(name, fmt.Sprintf("an %s address, as the rule's %s; the rule is left out",
			rule.Families[0], r.narrowedBy(name)))
		return false
	}
	rule.Families = []network.Family{family}
	return true
}

// narrowedBy names the option that had narrowed the rule to one family before the named one was read.
func (r *reader) narrowedBy(name string) string {
	if name == "dest_ip" && r.text("src_ip") != "" {
		return "src_ip has"
	}
	return "family says"
}

// parseAddresses reads a list of addresses and networks, with ! before it for those that are in none of them. A list
// that has a network of all addresses is empty, as it says no more than its family.
func parseAddresses(text string) (Addresses, network.Family, error) {
	rest, not := strings.CutPrefix(text, "!")
	addrs := Addresses{Not: not}
	all := false
	words := strings.FieldsFunc(rest, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' || c == '\n' })
	for _, word := range words {
		prefix, ok := parsePrefix(word)
		if !ok {
			return Addresses{}, 0, errAddress
		}
		addrs.Prefixes = append(addrs.Prefixes, prefix)
		all = all || prefix.Bits() == 0
	}
	if len(words) == 0 {
		return Addresses{}, 0, errAddress
	}
	family := familyOf(addrs.Prefixes[0].Addr())
	for _, prefix := range addrs.Prefixes {
		if familyOf(prefix.Addr()) != family {
			return Addresses{}, 0, errMixed
		}
	}
	if all && not {
		return Addresses{}, 0, errNothing
	}
	if all {
		return Addresses{}, family, nil
	}
	return addrs, family, nil
}

// parsePrefix reads an address, a prefix, or an IPv4 network with a mask such as 198.18.0.0/255.254.0.0. Bits of the
// host part are dropped.
func parsePrefix(word string) (netip.Prefix, bool) {
	host, length, ok := strings.Cut(word, "/")
	if !ok {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	if mask, err := netip.ParseAddr(length); err == nil {
		return parseMasked(host, mask)
	}
	prefix, err := netip.ParsePrefix(word)
	if err != nil {
		return netip.Prefix{}, false
	}
	return prefix.Masked(), true
}

func parseMasked(host string, mask netip.Addr) (netip.Prefix, bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is4() || !mask.Is4() {
		return netip.Prefix{}, false
	}
	b := mask.As4()
	ones := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	length := bits.LeadingZeros32(^ones)
	if bits.OnesCount32(ones) != length {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, length).Masked(), true
}
