package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3/survey"
	"mwan3track/probe"
)

// looker sees the router that the program runs on.
type looker struct{}

// Settings reads the config of an interface.
func (looker) Settings(iface string) (settings, error) {
	cfg, _, err := survey.Config() // mwan3 tells of the faults
	if err != nil {
		return settings{}, fmt.Errorf("read the configuration: %w", err)
	}
	section, ok := cfg.Interface(iface)
	if !ok {
		return settings{}, nothing{reason: fmt.Sprintf("interface %s is not in the configuration", iface)}
	}
	s := settings{section: section, mask: cfg.Globals.Mask, config: cfg}
	return s, s.check()
}

// Look finds the interface's device, source and mark.
func (looker) Look(ctx context.Context, s settings) (link, error) {
	interfaces, err := survey.Interfaces(ctx, s.config)
	if err != nil {
		return link{}, err
	}
	iface, _ := network.State{Interfaces: interfaces}.Lookup(s.section.Name, s.section.Family)
	if !iface.Up || iface.Device == "" {
		return link{}, nil
	}
	routing, err := iproute.Open()
	if err != nil {
		return link{}, err
	}
	defer routing.Close()
	links, err := routing.Links()
	if err != nil {
		return link{}, fmt.Errorf("list devices: %w", err)
	}
	found := newLink(s, iface, links)
	if slices.Contains(s.section.Tracking.Targets, config.GatewayTarget) {
		found.gateway, err = routing.NextHop(s.section.Family, found.index, found.path.Mark)
	}
	return found, err
}

// Watch reports changes of devices and addresses.
func (looker) Watch(ctx context.Context) (<-chan iproute.Event, error) {
	return iproute.WatchLinks(ctx)
}

func newLink(s settings, iface network.Interface, links []iproute.Link) link {
	index, device, router := addrs(iface.Device, links)
	source, guessed := network.Source(iface, s.section.Family, device, router)
	if source.IsUnspecified() {
		source = netip.Addr{}
	}
	return link{
		up:      true,
		index:   index,
		guessed: guessed,
		path:    probe.Path{Family: s.section.Family, Device: iface.Device, Source: source, Mark: mark(s, iface)},
	}
}

// mark makes probes use the main table or, where that has no default route through the device because the config names
// the next hop, the interface's own.
func mark(s settings, iface network.Interface) uint32 {
	if iface.Gateway.IsValid() {
		return s.mask.Mark(s.section.ID)
	}
	return s.mask.SpecialMark(config.Default)
}

// addrs returns the index and the addresses of a device, and the addresses of the router as a whole.
func addrs(device string, links []iproute.Link) (index int, onDevice, onRouter []netip.Prefix) {
	for _, link := range links {
		if link.Name == device {
			index, onDevice = link.Index, link.Addrs
		}
		onRouter = append(onRouter, link.Addrs...)
	}
	return index, onDevice, onRouter
}

// uptime returns the seconds since the router started, rounded down, as scripts read them from /proc/uptime. It is asked
// in each round and leaves no garbage.
func uptime() int {
	fd, err := syscall.Open("/proc/uptime", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer syscall.Close(fd)
	var buf [32]byte
	n, _ := syscall.Read(fd, buf[:])
	seconds := 0
	for i := 0; i < n && '0' <= buf[i] && buf[i] <= '9'; i++ {
		seconds = seconds*10 + int(buf[i]-'0')
	}
	return seconds
}
