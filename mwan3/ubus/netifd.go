package ubus

import (
	"context"
	"fmt"
	"net/netip"

	"mwan3/network"
)

// Interfaces returns all interfaces that netifd has, by name. It waits for an ubusd or a netifd that is not there
// until ctx ends; then the error is Passing, and says nothing about the interfaces.
func Interfaces(ctx context.Context, path string) (map[string]network.Interface, error) {
	var interfaces map[string]network.Interface
	err := Wait(ctx, path, func(ctx context.Context, c *Client) (err error) {
		interfaces, err = c.Interfaces(ctx)
		return err
	})
	return interfaces, err
}

// Interfaces asks netifd once. Addresses that cannot be read are left out.
func (c *Client) Interfaces(ctx context.Context) (map[string]network.Interface, error) {
	answer, err := c.Call(ctx, "network.interface", "dump", nil)
	if err != nil {
		return nil, err
	}
	return InterfacesOf(answer)
}

// InterfacesOf reads netifd's answer to `network.interface dump`.
func InterfacesOf(answer Table) (map[string]network.Interface, error) {
	list, ok := answer.Get("interface").(Array)
	if !ok {
		return nil, fmt.Errorf("%w: netifd's dump has no list of interfaces", Garbled)
	}
	interfaces := make(map[string]network.Interface, len(list))
	for _, entry := range list {
		status, _ := entry.(Table)
		if name := status.Text("interface"); name != "" {
			interfaces[name] = interfaceOf(name, status)
		}
	}
	return interfaces, nil
}

// interfaceOf reads what netifd's status tells. What stands under inactive is configured but not in use.
func interfaceOf(name string, status Table) network.Interface {
	return network.Interface{
		Name:     name,
		Up:       status.Bool("up"),
		Device:   status.Text("l3_device"),
		Uptime:   uint32(status.Int("uptime")),
		Addrs:    addresses(status),
		Prefixes: delegated(status),
	}
}

// addresses lists the interface's own addresses in the order of OpenWrt's network_get_ipaddrs functions: IPv4, IPv6,
// then those inside prefixes that are assigned to it. Of a point-to-point address the local end counts.
func addresses(status Table) []netip.Prefix {
	var all []netip.Prefix
	for _, name := range [...]string{"ipv4-address", "ipv6-address"} {
		for _, entry := range status.Array(name) {
			all = appendPrefix(all, entry)
		}
	}
	for _, entry := range status.Array("ipv6-prefix-assignment") {
		if assignment, ok := entry.(Table); ok {
			all = appendPrefix(all, assignment.Get("local-address"))
		}
	}
	return all
}

// delegated lists the prefixes that the interface got to hand on.
func delegated(status Table) []netip.Prefix {
	var all []netip.Prefix
	for _, entry := range status.Array("ipv6-prefix") {
		all = appendPrefix(all, entry)
	}
	return all
}

// appendPrefix appends what {address, mask} says, unless it is no address.
func appendPrefix(all []netip.Prefix, entry Value) []netip.Prefix {
	table, ok := entry.(Table)
	if !ok {
		return all
	}
	addr, err := netip.ParseAddr(table.Text("address"))
	if err != nil {
		return all
	}
	prefix := netip.PrefixFrom(addr, int(table.Int("mask")))
	if !prefix.IsValid() {
		return all
	}
	return append(all, prefix)
}
