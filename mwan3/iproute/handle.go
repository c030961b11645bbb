// Package iproute reads and edits the kernel's ip rules, routes and links over rtnetlink, and watches them. What
// it reads is network data that compares equal when the kernel's does; what it edits are differences between two
// such lists, so that the kernel ends up exactly as wanted.
//
// A Handle and a Watch belong to the network namespace in which they were opened.
package iproute

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// Handle reads and edits. It is for one goroutine at a time.
type Handle struct{ conn *conn }

// Open connects to the kernel. The caller closes the Handle.
func Open() (*Handle, error) {
	conn, err := dial()
	if err != nil {
		return nil, fmt.Errorf("open rtnetlink: %w", err)
	}
	return &Handle{conn: conn}, nil
}

// Close ends the connection.
func (h *Handle) Close() { h.conn.close() }

// Families returns the families that can be used: IPv4, and IPv6 if the kernel has it and at least one device
// (lo counts) has it enabled. A kernel that cannot be asked counts as having both, so that nothing is taken down.
func (h *Handle) Families() []network.Family {
	if has, err := h.hasIPv6(); err == nil && !has {
		return []network.Family{network.IPv4}
	}
	return []network.Family{network.IPv4, network.IPv6}
}

// hasIPv6 first asks for the rules, which is the one request that a kernel without IPv6 refuses: it answers others with
// what it has of other families.
func (h *Handle) hasIPv6() (bool, error) {
	ignore := func([]byte) error { return nil }
	err := h.conn.dump(unix.RTM_GETRULE, ruleHeader(network.IPv6), func() {}, ignore)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return h.deviceHasIPv6()
}

// kernelFamily returns the AF_ number.
func kernelFamily(f network.Family) byte {
	if f == network.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// familyOf is the inverse of kernelFamily; false for families that are none of ours.
func familyOf(f byte) (network.Family, bool) {
	switch f {
	case unix.AF_INET:
		return network.IPv4, true
	case unix.AF_INET6:
		return network.IPv6, true
	}
	return 0, false
}
