// Package lab is a small internet inside one process tree, to try a multi-WAN router on:
//
//	client1 ─┐ br-lan          ┌ wan0 ── isp1 ─┐
//	client2 ─┴─ bridge router ─┼ wan1 ── isp2 ─┼── internet (targets)
//	guest ───── guest0         └ wan2 ── isp3 ─┘   … up to 60
//
// Every machine is a network namespace. The router is the process that draws the lab: what it executes runs on the
// router, in a mount namespace with an /etc/config, /var/run, /tmp/.uci … of its own. So labs never see each other.
//
// A lab has two halves, which a router that is a whole machine divides: the World is everything but the router, and the
// Site is the router's side. Package remote lets one ask the other over a channel.
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
	"os"
	"strings"

	"github.com/vishvananda/netns"
)

// MaxUplinks is the number of interfaces that mwan3's default mask has room for.
const MaxUplinks = 60

// Lab is a drawn lab.
type Lab struct {
	*World
	*Site
}

// New draws a lab with 1…MaxUplinks uplinks around the calling process, which must be Inside. The lab lives as long
// as the process.
func New(uplinks int) (*Lab, error) {
	own, err := ownNode("router")
	if err != nil {
		return nil, err
	}
	world, err := drawWorld(own, uplinks)
	if err != nil {
		return nil, err
	}
	site := &Site{Router: own}
	if err := site.configure(uplinks); err != nil {
		return nil, err
	}
	return &Lab{World: world, Site: site}, world.settle()
}

// ownNode is the node that this process, which must be Inside, is on.
func ownNode(name string) (*Node, error) {
	if !Inside() {
		return nil, errors.New("draw a lab: this process is not inside of one")
	}
	own, err := netns.GetFromPath("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	return thisNode(name, own)
}

// enough complains about a number of uplinks that no lab can have.
func enough(uplinks int) error {
	if uplinks < 1 || uplinks > MaxUplinks {
		return fmt.Errorf("draw a lab: %d uplinks; 1 to %d are possible", uplinks, MaxUplinks)
	}
	return nil
}

// host gives a device its addresses.
func host(n *Node, device string, prefixes ...string) error {
	var faults []error
	for _, prefix := range prefixes {
		faults = append(faults, n.address(device, prefix))
	}
	return errors.Join(faults...)
}

// Install puts the programs of a directory where a router has them, /usr/sbin. Without a directory they are there already.
func Install(dir string) error {
	if dir == "" {
		return nil
	}
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
