package nft

import (
	"net/netip"
	"slices"

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
	network.SortPrefixes(sorted)
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
	slices.SortStableFunc(sorted, func(a, b config.Ports) int { return int(a.First) - int(b.First) })
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
