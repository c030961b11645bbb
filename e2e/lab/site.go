package lab

import (
	"errors"
	"fmt"
	"os/exec"
)

// Site is the router's side of a lab: its devices, its firewall, and its network daemon.
type Site struct {
	Router  *Node
	Netifd  *Netifd // the router's network interfaces
	Machine bool    // the router is a whole machine, and all of its files are its own

	flows flows
}

// NewSite makes this process, which must be Inside, the router in a world that is elsewhere. Its ends of the cables are
// here, or cards in their place: lan1, guest0, wan0, wan1, …
func NewSite(uplinks int, machine bool) (*Site, error) {
	own, err := ownNode("router")
	if err != nil {
		return nil, err
	}
	s := &Site{Router: own, Machine: machine}
	return s, s.configure(uplinks)
}

// configure configures the router.
func (s *Site) configure(uplinks int) error {
	if err := enough(uplinks); err != nil {
		return err
	}
	s.Netifd = newNetifd(s.Router, uplinks)
	for _, step := range []func() error{s.joinLAN, s.Netifd.configureAll, s.settle, s.masquerade, s.Router.serveName, startLog} {
		if err := step(); err != nil {
			return fmt.Errorf("configure the router: %w", err)
		}
	}
	return nil
}

// joinLAN makes the clients' network, over the one or two cables of theirs, and the guests'.
func (s *Site) joinLAN() error {
	r, cables := s.Router, []string{"lan1"}
	if _, err := r.link.LinkByName("lan2"); err == nil {
		cables = append(cables, "lan2")
	}
	return errors.Join(
		r.bridge("br-lan", cables...),
		host(r, "br-lan", "192.168.1.1/24", "fd00:ee::1/64"),
		r.Up("guest0"),
		host(r, "guest0", "192.168.2.1/24", "fd00:ee:2::1/64"),
	)
}

// masquerade is what the router's own firewall does: source NAT on the uplinks, and one port (8007) of each uplink forwarded to
// client1. With nftables it is in a table of the name that OpenWrt uses.
func (s *Site) masquerade() error {
	if _, err := exec.LookPath("nft"); err != nil {
		return errors.Join(s.masqueradeWith("iptables-restore", "192.168.1.11:7"), s.masqueradeWith("ip6tables-restore", "[fd00:ee::11]:7"))
	}
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
	_, err := s.Router.Run(fw4, "nft", "-f", "-")
	return err
}

// masqueradeWith does so for one family on a router that only has iptables.
func (s *Site) masqueradeWith(restore, client string) error {
	const nat = `*nat
-A POSTROUTING -o wan+ -j MASQUERADE
-A PREROUTING -i wan+ -p tcp --dport 8007 -j DNAT --to-destination %s
COMMIT
`
	_, err := s.Router.Run(fmt.Sprintf(nat, client), restore)
	return err
}

// settle waits until the router has the addresses that it was given.
func (s *Site) settle() error {
	if err := AwaitAddresses(s.Router.link); err != nil {
		return fmt.Errorf("%s: %w", s.Router.Name, err)
	}
	return nil
}
