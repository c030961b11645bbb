package nft

import (
	"net/netip"
	"slices"
	"sort"

	"mwan3/config"
	"mwan3/network"
)

// Uncovered returns the prefixes of the family that no other one covers, masked, sorted, each once: nftables refuses
// elements that overlap, and a covered prefix adds nothing to a set.
func Uncovered(prefixes []netip.Prefix, f network.Family) []netip.Prefix {
	sorted := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if ofFamily(p, f) {
			sorted = append(sorted, p.Masked())
		}
	}
	sort.Slice(sorted, func(i, j int) bool {
		if c := sorted[i].Addr().Compare(sorted[j].Addr()); c != 0 {
			return c < 0
		}
		return sorted[i].Bits() < sorted[j].Bits()
	})
	kept := sorted[:0]
	for _, p := range sorted {
		if len(kept) == 0 || !kept[len(kept)-1].Overlaps(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

func ofFamily(p netip.Prefix, f network.Family) bool {
	return p.IsValid() && p.Addr().BitLen() == f.Bits()
}

// elements writes prefixes as elements of a set.
func elements(prefixes []netip.Prefix, f network.Family) []string {
	var words []string
	for _, p := range Uncovered(prefixes, f) {
		words = append(words, prefixWord(p))
	}
	return words
}

func prefixWord(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// joined returns the ranges sorted, with those that overlap made one, for the same reason as Uncovered.
func joined(ports []config.Ports) []config.Ports {
	sorted := slices.Clone(ports)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].First < sorted[j].First })
	kept := sorted[:0]
	for _, p := range sorted {
		if last := len(kept) - 1; last >= 0 && p.First <= kept[last].Last {
			kept[last].Last = max(kept[last].Last, p.Last)
			continue
		}
		kept = append(kept, p)
	}
	return kept
}
