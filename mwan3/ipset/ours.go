package ipset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"

	"mwan3/network"
)

// busyWait is how long a set that rules still use is waited for: nftables' kernel side lets go of what a deleted
// rule used a moment after the deletion.
const busyWait = time.Second

// destroy destroys a set; one that does not exist is no error.
func destroy(name string) error {
	req := request(nl.IPSET_CMD_DESTROY)
	req.AddData(nl.NewRtAttr(nl.IPSET_ATTR_SETNAME, nl.ZeroTerminated(name)))
	err := send(req)
	if err == nil || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return fmt.Errorf("destroy set %s: %w", name, err)
}

// DestroyUnused destroys sets, and waits a moment for those that are still in use. What rules of others use stays.
func DestroyUnused(names []string) error {
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

// Ours returns the names of the sets that belong to mwan3, upstream's sticky sets included, in order.
func Ours(have map[string]Set) []string {
	base := map[string]bool{}
	for _, f := range network.Families {
		for _, kind := range Kinds() {
			base[Name(kind, f)] = true
			base[Name(kind, f)+"_temp"] = true
		}
	}
	var list []string
	for name := range have {
		if base[name] || IsSticky(name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// IsSticky tells whether a set is one of ours or upstream's for sticky rules.
func IsSticky(name string) bool {
	for _, prefix := range [...]string{stickyPrefix(network.IPv4), stickyPrefix(network.IPv6),
		"mwan3_rule_ipv4_", "mwan3_rule_ipv6_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
