package nft

import (
	"fmt"
	"hash/fnv"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// longest is how much of a user's name goes into a name of ours. Names in nftables have up to 127 bytes on all
// kernels since Linux 4.14 (NFT_NAME_MAXLEN is 256 there, nft's own limit lower in old versions); the longest of ours
// holds two of the user's and 24 bytes more.
const longest = 48

// word makes a name of the user's fit to be part of an nft name, of a comment and of a log prefix. Names of UCI and of
// ipset stay as they are; others, and those that are too long, become readable but unique, with a slash, which the
// former never have. The result holds letters, digits and "_.-/" only.
func word(name string) string {
	plain := true
	safe := strings.Map(func(r rune) rune {
		if isPlain(r) {
			return r
		}
		plain = false
		return '_'
	}, name)
	if plain && name != "" && len(name) <= longest {
		return name
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // it never fails
	return fmt.Sprintf("%.24s/%016x", safe, hash.Sum64())
}

func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
}

// isDevice tells whether nft can say the name of a device: the kernel allows 15 bytes without blank, slash and colon; nft
// has no escape for a quote and takes an asterisk or a backslash for something else.
func isDevice(name string) bool {
	if name == "" || len(name) > 15 {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c == 0x7f || strings.IndexByte(`"*\/:`, c) >= 0 {
			return false
		}
	}
	return true
}

const ours = "mwan3_" // what all names in our table begin with, but those of users' sets

// The two base chains.
const (
	prerouting = ours + "prerouting"
	output     = ours + "output"
)

func hookName(f network.Family) string     { return ours + "hook_" + f.String() }
func ifacesInName(f network.Family) string { return ours + "ifaces_in_" + f.String() }
func networksName(f network.Family) string { return ours + "networks_" + f.String() }
func rulesName(f network.Family) string    { return ours + "rules_" + f.String() }

// The names made of something of the user's begin with a prefix of theirs and end with the family, so that they can
// be read back.
const (
	policyPrefix  = ours + "policy_"
	ifaceInPrefix = ours + "iface_in_"
	toPrefix      = ours + "to_"
)

func named(prefix, name string, f network.Family) string {
	return prefix + word(name) + "_" + f.String()
}

// nameIn is the inverse of named.
func nameIn(prefix, chain string, f network.Family) (string, bool) {
	name, ok := strings.CutPrefix(chain, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "_"+f.String())
}

func ruleName(rule string, f network.Family) string { return named(ours+"rule_", rule, f) }
func saveName(iface string, f network.Family) string {
	return named(ours+"save_", iface, f)
}

// specialName is the chain that gives a packet the special mark. Without the family at its end it cannot be an interface's.
func specialName(s config.Special) string { return ours + string(s) }

// stickyName is the set of the sources that a rule has sent to an interface.
func stickyName(rule, iface string, f network.Family) string {
	return ours + "sticky_" + word(rule) + "/" + word(iface) + "_" + f.String()
}

// setName is the name of a set of the plan. Users' sets have a name of their own kind, without the family: dnsmasq's
// configuration has to name them.
func setName(s plan.Set) string {
	if s.Kind == plan.User {
		return userSetName(s.Name)
	}
	return networkSetName(s.Kind, s.Family)
}

// mapName is the verdict map of that purpose.
func mapName(purpose string, f network.Family) string { return ours + purpose + "_" + f.String() }

const userSetPrefix = "ipset_"

func userSetName(name string) string { return userSetPrefix + word(name) }

func networkSetName(kind plan.Kind, f network.Family) string {
	return ours + string(kind) + "_" + f.String()
}
