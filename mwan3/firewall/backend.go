// Package firewall chooses the firewall that carries out the marking.
package firewall

import (
	"errors"
	"fmt"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/iptables"
	"mwan3/network"
	"mwan3/nft"
	"mwan3/plan"
)

// Viewer reads back what the kernel does, for people who ask.
type Viewer interface {
	// Policies returns those of each family, sorted by name.
	Policies() (map[network.Family][]plan.PolicyView, error)
	Connected(network.Family) ([]string, error)
	// Rules returns the lines of `mwan3 rules` without heading.
	Rules(plan.FamilyMarking) ([]string, error)
	// Inbound lists the interfaces whose incoming connections are marked.
	Inbound(network.Family) ([]string, error)
}

// Backend is a firewall that carries out the marking.
type Backend interface {
	apply.Marker
	Viewer
}

// Choose opens the backend that the config wants. Auto stays with the one that holds the marking now (running, empty
// if none does), else takes nftables where kernel and nft tool have it, else iptables. It returns its name, too.
func Choose(wanted, running config.Backend) (Backend, config.Backend, error) {
	if wanted == config.Auto && running != "" {
		wanted = running
	}
	if wanted != config.Auto {
		backend, err := open(wanted, running)
		return backend, wanted, err
	}
	backend, err := open(config.NFTables, running)
	if err == nil {
		return backend, config.NFTables, nil
	}
	backend, err2 := open(config.IPTables, running)
	if err2 != nil {
		return nil, "", fmt.Errorf("neither firewall can be used: %w", errors.Join(err, err2))
	}
	return backend, config.IPTables, nil
}

// open finds one backend's tools. Whether the kernel can hold an nftables marking is asked once, before the first load.
func open(name, running config.Backend) (Backend, error) {
	switch {
	case name == config.IPTables:
		return iptables.New()
	case running == config.NFTables:
		return nft.Find()
	}
	return nft.New()
}
