// Package bind ties the process that calls it, what it executes and all that these start to one interface: the kernel
// itself gives every IP socket of theirs the interface's device, mark and source address. Static programs and shells are
// tied as well as any other, nothing supervises them, and the process keeps its id.
//
// The process enters a cgroup of its own, which has small BPF programs at its sockets (create.go, reach.go, listen.go,
// option.go): they see each socket when it is made, and each address before the kernel looks for a route to it. Needed
// are CONFIG_CGROUP_BPF, a mounted cgroup2 and root; where something is missing, Enter says what and changes nothing.
//
// What leads to the router itself by a loopback address (127.0.0.0/8, ::1) stays as it is in both families, or no
// program could ask the router's resolver. Traffic of the interface's other family is refused. Not tied: packet sockets
// (arping), sockets that were there before, and processes that are asked to start something (service managers, cron).
package bind

import (
	"errors"
	"fmt"
	"net/netip"

	"mwan3/network"
)

// Binding is what sockets are tied to.
type Binding struct {
	Family network.Family
	Device string
	Index  uint32     // of the device
	Source netip.Addr // of that family; sockets whose program chose no port get it. A link-local or unspecified one is not set
	Mark   uint32     // for all sockets

	// Route is a mark that leads to the device by itself; 0 if there is none. UDP sockets have it instead of Mark and
	// are bound to the device only after their first datagram to somewhere else than the router: the kernel has
	// chosen the device of a datagram before a program can see where it goes. Without such a mark, the
	// first datagram of an unconnected socket to a loopback address is lost.
	Route uint32
}

// Enter ties the process. It either succeeds or leaves the process as it was. A cgroup of an earlier call from the same
// cgroup, which no process is in any more, is removed on the way: so at most one is left behind for each.
func Enter(b Binding) error { return enterAs(b, ladder()) }

// enterAs is Enter with programs that can do no more than some kernels' can.
func enterAs(b Binding, ladder []abilities) error {
	if len(b.Device) >= nameSize || b.Device == "" || b.Index == 0 {
		return fmt.Errorf("device %q cannot be bound to", b.Device)
	}
	if b.Source.Is4() != (b.Family == network.IPv4) {
		return fmt.Errorf("source %s is not of family %s", b.Source, b.Family)
	}
	parent, err := findParent()
	if err != nil {
		return err
	}
	hooks, err := load(b, ladder)
	if err != nil {
		return err
	}
	defer hooks.close()
	return enter(parent, hooks)
}

// enter makes a cgroup with the programs and moves the process into it. Others are kept from sweeping it away meanwhile.
func enter(parent string, hooks loaded) error {
	unlock, err := lock(parent)
	if err != nil {
		return err
	}
	defer unlock()
	sweep(parent)
	g, err := makeGroup(parent)
	if err != nil {
		return err
	}
	err = hooks.attach(g)
	if err == nil {
		err = g.join()
	}
	if err != nil {
		err = errors.Join(err, g.remove())
	}
	return err
}
