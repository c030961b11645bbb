package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Node is a machine of the lab: a network namespace.
type Node struct {
	Name string
	ns   netns.NsHandle
	link *netlink.Handle
}

// newNode makes a node in a new namespace.
func newNode(name string) (*Node, error) {
	found := make(chan *Node, 1)
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and does not come back from there
		ns, err := netns.New()
		if err != nil {
			failed <- fmt.Errorf("make the namespace of %s: %w", name, err)
			return
		}
		node, err := thisNode(name, ns)
		if err != nil {
			failed <- err
			return
		}
		found <- node
	}()
	select {
	case node := <-found:
		return node, nil
	case err := <-failed:
		return nil, err
	}
}

// thisNode is the node whose namespace the calling thread is in. Its name shows under /run/netns, which only the
// lab's processes see.
func thisNode(name string, ns netns.NsHandle) (*Node, error) {
	path := filepath.Join("/run/netns", name)
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return nil, err
	}
	if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("name the namespace of %s: %w", name, err)
	}
	handle, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink on %s: %w", name, err)
	}
	node := &Node{Name: name, ns: ns, link: handle}
	return node, errors.Join(tune(), node.Up("lo"))
}

// tune sets what a node needs before its devices exist. It acts on the calling thread's namespace.
func tune() error {
	return errors.Join(
		sysctl("net/ipv4/ip_forward", "1"),
		sysctl("net/ipv6/conf/all/forwarding", "1"),
		sysctl("net/ipv4/conf/all/rp_filter", "0"), // inherited from the host's settings
		sysctl("net/ipv4/conf/default/rp_filter", "0"),
		sysctl("net/ipv4/icmp_ratelimit", "0"), // many refusals in a short time are a test's normal case
		sysctl("net/ipv6/icmp/ratelimit", "0"),
		sysctl("net/ipv6/conf/default/accept_dad", "0"), // an address is usable at once
		sysctl("net/ipv6/conf/default/accept_ra", "0"),
	)
}

// sysctl writes a setting of the calling thread's namespace.
func sysctl(name, value string) error {
	if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// Do runs f on a thread that is in the node's namespace: sockets that f opens and programs that f starts belong to
// the node. f must not leave its goroutine for that.
func (n *Node) Do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good, as in newNode
		if err := netns.Set(n.ns); err != nil {
			done <- fmt.Errorf("enter %s: %w", n.Name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// Run runs a program on the node and returns what it printed. A failure quotes the arguments and stderr.
func (n *Node) Run(stdin string, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := n.Do(cmd.Run); err != nil {
		return stdout.String(), fmt.Errorf("on %s: %s: %w\n%s", n.Name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// port is a device of a node.
type port struct {
	node   *Node
	device string
}

// wire joins two ports by a cable.
func wire(a, b port) error {
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: a.device},
		PeerName:      b.device,
		PeerNamespace: netlink.NsFd(b.node.ns),
	}
	if err := a.node.link.LinkAdd(veth); err != nil {
		return fmt.Errorf("wire %s %s to %s %s: %w", a.node.Name, a.device, b.node.Name, b.device, err)
	}
	return errors.Join(a.node.Up(a.device), b.node.Up(b.device))
}

// bridge makes a bridge of the devices; one of that name that is there already gets them, too.
func (n *Node) bridge(name string, devices ...string) error {
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}
	if err := n.link.LinkAdd(bridge); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make bridge %s: %w", name, err)
	}
	faults := []error{n.Up(name)}
	for _, device := range devices {
		faults = append(faults, n.Up(device), n.withLink(device, func(l netlink.Link) error { return n.link.LinkSetMaster(l, bridge) }))
	}
	return errors.Join(faults...)
}

// Up sets a device administratively up.
func (n *Node) Up(device string) error { return n.withLink(device, n.link.LinkSetUp) }

// Down sets a device administratively down; the other end of its cable loses the carrier.
func (n *Node) Down(device string) error { return n.withLink(device, n.link.LinkSetDown) }

func (n *Node) withLink(device string, f func(netlink.Link) error) error {
	l, err := n.link.LinkByName(device)
	if err == nil {
		err = f(l)
	}
	if err != nil {
		return fmt.Errorf("%s: device %s: %w", n.Name, device, err)
	}
	return nil
}

// address gives a device an address, usable at once; one that it has already is no fault.
func (n *Node) address(device, prefix string) error {
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		return err
	}
	addr.Flags = unix.IFA_F_NODAD
	return n.withLink(device, func(l netlink.Link) error { return n.link.AddrReplace(l, addr) })
}

// unaddress takes an address away; one that is not there is no fault.
func (n *Node) unaddress(device, prefix string) error {
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		return err
	}
	err = n.withLink(device, func(l netlink.Link) error { return n.link.AddrDel(l, addr) })
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil
	}
	return err
}

// route is a route of the table main.
type route struct {
	to     string // a prefix, or "" for the default route
	via    string
	metric int
}

// route adds a route through device; an equal one is replaced.
func (n *Node) route(device string, r route) error {
	nl := &netlink.Route{Gw: netip.MustParseAddr(r.via).AsSlice(), Priority: r.metric}
	if r.to != "" {
		dst, err := netlink.ParseIPNet(r.to)
		if err != nil {
			return err
		}
		nl.Dst = dst
	}
	return n.withLink(device, func(l netlink.Link) error {
		nl.LinkIndex = l.Attrs().Index
		if err := n.link.RouteReplace(nl); err != nil {
			return fmt.Errorf("route %s via %s metric %d: %w", r.to, r.via, r.metric, err)
		}
		return nil
	})
}

// unroute removes the routes of the table main that go through a gateway on device.
func (n *Node) unroute(device string, family int) error {
	return n.withLink(device, func(l netlink.Link) error {
		routes, err := n.link.RouteList(l, family)
		if err != nil {
			return fmt.Errorf("list routes: %w", err)
		}
		var faults []error
		for _, r := range routes {
			if r.Gw != nil {
				faults = append(faults, n.link.RouteDel(&r))
			}
		}
		return errors.Join(faults...)
	})
}
