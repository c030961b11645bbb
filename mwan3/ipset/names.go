package ipset

import (
	"fmt"

	"mwan3/network"
	"mwan3/plan"
)

// ours begins the names of all our sets.
const ours = "mwan3_"

// Name names the set of networks of a kind, like its chain: mwan3_connected_ipv4.
func Name(kind plan.Kind, f network.Family) string { return fmt.Sprintf("%s%s_%s", ours, kind, f) }

// Kinds are the kinds of sets that each family has, in the order in which a packet meets them.
func Kinds() [3]plan.Kind { return [...]plan.Kind{plan.Custom, plan.Connected, plan.Dynamic} }

// stickyPrefix is the beginning of the names of the family's sticky sets.
func stickyPrefix(f network.Family) string {
	if f == network.IPv6 {
		return "mwan3_rule6_"
	}
	return "mwan3_rule4_"
}

// StickyName names the set of the sources that stick to the interface with this id by the rule. It takes at most
// 31 characters, the most that the kernel allows (IPSET_MAXNAMELEN less the closing zero).
func StickyName(f network.Family, id int, rule string) string {
	return fmt.Sprintf("%s%d_%s", stickyPrefix(f), id, rule)
}
