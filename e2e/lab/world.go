package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"e2e/timeline"
)

// World is all of a lab but the router: clients, guest, providers, the internet and its targets. The ends of the cables
// towards the router (lan1, lan2, guest0, wan0, wan1, …) lie in the namespace of the process that draws it.
type World struct {
	Internet                *Node
	Client1, Client2, Guest *Node
	ISPs                    []*ISP // isp1 first
	Targets                 *Targets

	// Plug is told which device of the router loses or regains its carrier, where the router does not see it by itself:
	// a virtual machine does not see what becomes of the cable behind its card. It may be nil.
	Plug func(device string, plugged bool) error

	// Picture gets what was seen of a provider's failure, without a title. It may be nil.
	Picture func(timeline.Failover) error

	ends  *Node
	flows flows
	watch *watch // nil while nothing is watched
}

// DrawWorld draws a world without a router around the calling process, which must be Inside: whoever it is for takes the
// ends of the cables.
func DrawWorld(uplinks int) (*World, error) {
	own, err := ownNode("ends")
	if err != nil {
		return nil, err
	}
	w, err := drawWorld(own, uplinks)
	if err != nil {
		return nil, err
	}
	return w, w.settle()
}

func drawWorld(ends *Node, uplinks int) (*World, error) {
	if err := enough(uplinks); err != nil {
		return nil, err
	}
	w := &World{ends: ends, ISPs: make([]*ISP, uplinks)}
	w.Targets = newTargets(w)
	for _, step := range []func() error{w.makeNodes, w.drawLAN, w.drawInternet, w.drawUplinks, w.answer} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("draw a lab: %w", err)
		}
	}
	return w, nil
}

func (w *World) makeNodes() (err error) {
	for name, node := range map[string]**Node{
		"client1": &w.Client1, "client2": &w.Client2, "guest": &w.Guest, "internet": &w.Internet,
	} {
		if *node, err = newNode(name); err != nil {
			return err
		}
	}
	return nil
}

// drawLAN lays the cables of the clients and the guest.
func (w *World) drawLAN() error {
	return errors.Join(
		wire(port{w.ends, "lan1"}, port{w.Client1, "eth0"}),
		wire(port{w.ends, "lan2"}, port{w.Client2, "eth0"}),
		wire(port{w.ends, "guest0"}, port{w.Guest, "eth0"}),
		host(w.Client1, "eth0", "192.168.1.11/24", "fd00:ee::11/64"),
		host(w.Client2, "eth0", "192.168.1.12/24", "fd00:ee::12/64"),
		host(w.Guest, "eth0", "192.168.2.11/24", "fd00:ee:2::11/64"),
		gateways(w.Client1, "192.168.1.1", "fd00:ee::1"),
		gateways(w.Client2, "192.168.1.1", "fd00:ee::1"),
		gateways(w.Guest, "192.168.2.1", "fd00:ee:2::1"),
	)
}

// gateways gives a LAN host its default routes.
func gateways(n *Node, addrs ...string) error {
	var faults []error
	for _, addr := range addrs {
		faults = append(faults, n.route("eth0", route{via: addr}))
	}
	return errors.Join(faults...)
}

// drawInternet makes every address of the target nets the internet's own, and every port lead to its answer service.
func (w *World) drawInternet() error {
	if _, err := w.Internet.Run("", "ip", "route", "add", "local", "198.51.100.0/24", "dev", "lo"); err != nil {
		return err
	}
	if _, err := w.Internet.Run("", "ip", "route", "add", "local", "2001:db8:51::/64", "dev", "lo"); err != nil {
		return err
	}
	const anyPort = `table inet targets {
	chain in {
		type nat hook prerouting priority dstnat
		ip daddr 198.51.100.0/24 meta l4proto { tcp, udp } redirect to :7
		ip6 daddr 2001:db8:51::/64 meta l4proto { tcp, udp } redirect to :7
	}
}`
	_, err := w.Internet.Run(anyPort, "nft", "-f", "-")
	return err
}

// drawUplinks makes the providers, in parallel.
func (w *World) drawUplinks() error {
	faults := make([]error, len(w.ISPs))
	var all sync.WaitGroup
	for i := range w.ISPs {
		all.Go(func() { w.ISPs[i], faults[i] = w.newISP(i + 1) })
	}
	all.Wait()
	return errors.Join(faults...)
}

// answer starts the answer services: the internet's tell the provider, the others their own names.
func (w *World) answer() error {
	fault := w.Internet.serve(w.Provider)
	for _, node := range []*Node{w.Client1, w.Client2, w.Guest} {
		fault = errors.Join(fault, node.serveName())
	}
	return fault
}

// settle waits until all nodes have the addresses that they were given.
func (w *World) settle() error {
	nodes := []*Node{w.ends, w.Client1, w.Client2, w.Guest, w.Internet}
	for _, isp := range w.ISPs {
		nodes = append(nodes, isp.Node)
	}
	for _, node := range nodes {
		if err := AwaitAddresses(node.link); err != nil {
			return fmt.Errorf("%s: %w", node.Name, err)
		}
	}
	return nil
}

// Provider names the provider that a peer address belongs to, or says which strange address it is.
func (w *World) Provider(peer netip.Addr) string {
	for _, isp := range w.ISPs {
		if isp.net4.Contains(peer) || isp.net6.Contains(peer) {
			return isp.Node.Name
		}
	}
	return "no provider: " + peer.String()
}

// Node finds a node by its name.
func (w *World) Node(name string) (*Node, error) {
	for _, node := range []*Node{w.Internet, w.Client1, w.Client2, w.Guest} {
		if node.Name == name {
			return node, nil
		}
	}
	if isp, err := w.ISP(name); err == nil {
		return isp.Node, nil
	}
	return nil, fmt.Errorf("no machine %q around the router: internet, client1, client2, guest, isp1…isp%d", name, len(w.ISPs))
}

// ISP finds a provider by its name.
func (w *World) ISP(name string) (*ISP, error) {
	for _, isp := range w.ISPs {
		if isp.Node.Name == name {
			return isp, nil
		}
	}
	return nil, fmt.Errorf("no provider %q in the lab: isp1…isp%d", name, len(w.ISPs))
}
