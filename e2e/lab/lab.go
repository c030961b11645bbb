// Package lab is a small internet inside one process tree, to try a multi-WAN router on:
//
//	client1 ─┐ br-lan          ┌ wan0 ── isp1 ─┐
//	client2 ─┴─ bridge router ─┼ wan1 ── isp2 ─┼── internet (targets)
//	guest ───── guest0         └ wan2 ── isp3 ─┘   … up to 60
//
// Every machine is a network namespace. The router is the process that draws the lab: what it executes runs on the
// router, in a mount namespace with an /etc/config, /var/run, /tmp/.uci … of its own. So labs never see each other.
//
//	LAN      192.168.1.0/24 fd00:ee::/64    router .1, client1 .11, client2 .12
//	guests   192.168.2.0/24 fd00:ee:2::/64  router .1, guest .11
//	uplink N 10.1.N.0/24    fd00:1:N::/64   gateway .1, router .2
//	targets  198.51.100.0/24, 2001:db8:51::/64: every address, every TCP and UDP port
//
// A target answers each connection with the name of the provider that it came through (isp1): it looks at the
// peer's address, and a provider lets nobody out with an address that is not its own. The router masquerades both
// families on its uplinks. For IPv6 that is the only set-up in which a router can balance at all: with a routed
// prefix per provider it is the client that chooses the provider, by choosing its source address.
package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/vishvananda/netns"
)

// MaxUplinks is the number of interfaces that mwan3's default mask has room for.
const MaxUplinks = 60

// Lab is a drawn lab.
type Lab struct {
	Router, Internet        *Node
	Client1, Client2, Guest *Node
	ISPs                    []*ISP  // isp1 first
	Netifd                  *Netifd // the router's network interfaces
}

// New draws a lab with 1…MaxUplinks uplinks around the calling process, which must be Inside. The lab lives as long
// as the process.
func New(uplinks int) (*Lab, error) {
	if !Inside() {
		return nil, errors.New("draw a lab: this process is not inside of one")
	}
	if uplinks < 1 || uplinks > MaxUplinks {
		return nil, fmt.Errorf("draw a lab: %d uplinks; 1 to %d are possible", uplinks, MaxUplinks)
	}
	l := &Lab{}
	steps := []func() error{
		l.makeNodes, l.drawLAN, l.drawInternet,
		func() error { return l.drawUplinks(uplinks) },
		l.settle, l.masquerade, l.answer, startLog,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("draw a lab: %w", err)
		}
	}
	return l, nil
}

func (l *Lab) makeNodes() error {
	own, err := netns.GetFromPath("/proc/self/ns/net")
	if err != nil {
		return err
	}
	if l.Router, err = thisNode("router", own); err != nil {
		return err
	}
	for name, node := range map[string]**Node{
		"client1": &l.Client1, "client2": &l.Client2, "guest": &l.Guest, "internet": &l.Internet,
	} {
		if *node, err = newNode(name); err != nil {
			return err
		}
	}
	return nil
}

// drawLAN wires the clients and the guest to the router.
func (l *Lab) drawLAN() error {
	r := l.Router
	return errors.Join(
		wire(port{r, "lan1"}, port{l.Client1, "eth0"}),
		wire(port{r, "lan2"}, port{l.Client2, "eth0"}),
		wire(port{r, "guest0"}, port{l.Guest, "eth0"}),
		r.bridge("br-lan", "lan1", "lan2"),
		host(r, "br-lan", "192.168.1.1/24", "fd00:ee::1/64"),
		host(l.Client1, "eth0", "192.168.1.11/24", "fd00:ee::11/64"),
		host(l.Client2, "eth0", "192.168.1.12/24", "fd00:ee::12/64"),
		host(r, "guest0", "192.168.2.1/24", "fd00:ee:2::1/64"),
		host(l.Guest, "eth0", "192.168.2.11/24", "fd00:ee:2::11/64"),
		gateways(l.Client1, "192.168.1.1", "fd00:ee::1"),
		gateways(l.Client2, "192.168.1.1", "fd00:ee::1"),
		gateways(l.Guest, "192.168.2.1", "fd00:ee:2::1"),
	)
}

// host gives a device its addresses.
func host(n *Node, device string, prefixes ...string) error {
	var faults []error
	for _, prefix := range prefixes {
		faults = append(faults, n.address(device, prefix))
	}
	return errors.Join(faults...)
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
func (l *Lab) drawInternet() error {
	if _, err := l.Internet.Run("", "ip", "route", "add", "local", "198.51.100.0/24", "dev", "lo"); err != nil {
		return err
	}
	if _, err := l.Internet.Run("", "ip", "route", "add", "local", "2001:db8:51::/64", "dev", "lo"); err != nil {
		return err
	}
	const anyPort = `table inet targets {
	chain in {
		type nat hook prerouting priority dstnat
		ip daddr 198.51.100.0/24 meta l4proto { tcp, udp } redirect to :7
		ip6 daddr 2001:db8:51::/64 meta l4proto { tcp, udp } redirect to :7
	}
}`
	_, err := l.Internet.Run(anyPort, "nft", "-f", "-")
	return err
}

// drawUplinks makes the providers, in parallel, and brings the router's interfaces up.
func (l *Lab) drawUplinks(count int) error {
	l.ISPs = make([]*ISP, count)
	faults := make([]error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() { l.ISPs[i], faults[i] = l.newISP(i + 1) })
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		return err
	}
	l.Netifd = newNetifd(l)
	return l.Netifd.configureAll()
}

// masquerade is what the router's own firewall does, in a table of the name that OpenWrt uses: source NAT on the
// uplinks, and one port (8007) of each uplink forwarded to client1.
func (l *Lab) masquerade() error {
	const fw4 = `table inet fw4 {
	chain srcnat {
		type nat hook postrouting priority srcnat
		oifname "wan*" masquerade
	}
	chain dstnat {
		type nat hook prerouting priority dstnat
		iifname "wan*" meta nfproto ipv4 tcp dport 8007 dnat ip to 192.168.1.11:7
		iifname "wan*" meta nfproto ipv6 tcp dport 8007 dnat ip6 to [fd00:ee::11]:7
	}
}`
	_, err := l.Router.Run(fw4, "nft", "-f", "-")
	return err
}

// answer starts the answer services: the internet's tell the provider, the others their own names.
func (l *Lab) answer() error {
	own := func(name string) func(netip.Addr) string { return func(netip.Addr) string { return name } }
	fault := l.Internet.serve(l.Provider)
	for _, node := range []*Node{l.Router, l.Client1, l.Client2, l.Guest} {
		fault = errors.Join(fault, node.serve(own(node.Name)))
	}
	return fault
}

// Provider names the provider that a peer address belongs to, or says which strange address it is.
func (l *Lab) Provider(peer netip.Addr) string {
	for _, isp := range l.ISPs {
		if isp.net4.Contains(peer) || isp.net6.Contains(peer) {
			return isp.Node.Name
		}
	}
	return "no provider: " + peer.String()
}

// Node finds a node by its name.
func (l *Lab) Node(name string) (*Node, error) {
	for _, node := range []*Node{l.Router, l.Internet, l.Client1, l.Client2, l.Guest} {
		if node.Name == name {
			return node, nil
		}
	}
	if isp, err := l.ISP(name); err == nil {
		return isp.Node, nil
	}
	return nil, fmt.Errorf("no machine %q in the lab: router, internet, client1, client2, guest, isp1…isp%d", name, len(l.ISPs))
}

// ISP finds a provider by its name.
func (l *Lab) ISP(name string) (*ISP, error) {
	for _, isp := range l.ISPs {
		if isp.Node.Name == name {
			return isp, nil
		}
	}
	return nil, fmt.Errorf("no provider %q in the lab: isp1…isp%d", name, len(l.ISPs))
}

// Install puts the programs of a directory where a router has them, /usr/sbin.
func Install(dir string) error {
	programs, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("install programs: %w", err)
	}
	var faults []error
	for _, program := range programs {
		if strings.HasPrefix(program.Name(), "mwan3") {
			faults = append(faults, os.Symlink(dir+"/"+program.Name(), "/usr/sbin/"+program.Name()))
		}
	}
	return errors.Join(faults...)
}
