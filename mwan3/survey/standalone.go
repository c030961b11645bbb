package survey

import (
	"fmt"
	"net/netip"

	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
)

// standalone makes interfaces of the kernel's devices: one for every interface section that names its device, and one
// under its own name for every device, so that option src_iface can name it.
func standalone(cfg config.Config) (map[string]network.Interface, error) {
	routing, err := iproute.Open()
	if err != nil {
		return nil, err
	}
	defer routing.Close()
	links, err := routing.Links()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	return fromLinks(cfg, links), nil
}

func fromLinks(cfg config.Config, links []iproute.Link) map[string]network.Interface {
	interfaces := map[string]network.Interface{}
	byDevice := map[string]iproute.Link{}
	for _, link := range links {
		byDevice[link.Name] = link
		interfaces[link.Name] = network.Interface{Name: link.Name, Device: link.Name,
			Up: link.Up && link.Running, Addrs: link.Addrs}
	}
	for _, section := range cfg.Interfaces {
		if section.Device == "" {
			continue
		}
		link := byDevice[section.Device]
		interfaces[section.Name] = network.Interface{
			Name:    section.Name,
			Device:  section.Device,
			Up:      link.Up && link.Running && usable(link.Addrs, section.Family),
			Addrs:   link.Addrs,
			Gateway: section.Gateway,
		}
	}
	return interfaces
}

// usable tells whether one of the addresses can be the source of traffic to the internet.
func usable(addrs []netip.Prefix, family network.Family) bool {
	for _, addr := range addrs {
		if addr.Addr().Is6() == (family == network.IPv6) && !addr.Addr().IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}
