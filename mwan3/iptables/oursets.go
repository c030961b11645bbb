package iptables

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"

	"mwan3/network"
	"mwan3/plan"
)

// busyWait is how long a set that rules still use is waited for: nftables' kernel side lets go of what a deleted
// rule used a moment after the deletion.
const busyWait = time.Second

// stickySets are the sets of the sticky rules of the marking, with the timeout that new entries get when nobody
// names one. A set that exists keeps its timeout: our rules name it with each entry.
func stickySets(m plan.Marking) map[string]netlink.IpsetCreateOptions {
	wanted := map[string]netlink.IpsetCreateOptions{}
	for _, fm := range m.Families {
		short := namesOf(fm).rules
		for _, r := range fm.Rules {
			if r.Sticky == nil {
				continue
			}
			timeout := entryTimeout(r.Sticky.Timeout)
			options := netlink.IpsetCreateOptions{Family: addressFamily(fm.Family), Timeout: &timeout}
			for _, member := range r.Sticky.Members {
				wanted[stickySet(fm.Family, m.Mask.ID(member.Value), short[r.Name])] = options
			}
		}
	}
	return wanted
}

// destroy destroys a set; one that does not exist is no error.
func destroy(name string) error {
	err := netlink.IpsetDestroy(name)
	if err == nil || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return fmt.Errorf("destroy set %s: %w", name, err)
}

// destroyUnused destroys sets, and waits a moment for those that are still in use. What rules of others use stays.
func destroyUnused(names []string) error {
	deadline := time.Now().Add(busyWait)
	for {
		var errs []error
		var busy []string
		for _, name := range names {
			err := destroy(name)
			if errors.Is(err, nl.IPSetError(nl.IPSET_ERR_BUSY)) {
				busy = append(busy, name)
				continue
			}
			errs = append(errs, err)
		}
		if len(busy) == 0 || time.Now().After(deadline) {
			return errors.Join(errs...)
		}
		names = busy
		time.Sleep(2 * time.Millisecond)
	}
}

// ourSets returns the names of the sets that belong to mwan3, upstream's sticky sets included, in order.
func ourSets(have map[string]ipset) []string {
	base := map[string]bool{}
	for _, f := range network.Families {
		for _, kind := range baseKinds() {
			base[baseSet(kind, f)] = true
			base[baseSet(kind, f)+"_temp"] = true
		}
	}
	var list []string
	for name := range have {
		if base[name] || isStickySet(name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// isStickySet tells whether a set is one of ours or upstream's for sticky rules.
func isStickySet(name string) bool {
	for _, prefix := range [...]string{stickyPrefix(network.IPv4), stickyPrefix(network.IPv6),
		"mwan3_rule_ipv4_", "mwan3_rule_ipv6_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
