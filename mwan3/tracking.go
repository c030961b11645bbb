package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"

	"mwan3/config"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3/reply"
	"mwan3/survey"
)

// tracking tells the tracker of an interface what the config says about it. It is for mwan3track only.
func (c cli) tracking(args []string) error {
	cfg, name, err := configAbout(args)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.out, settingsOf(cfg, name))
	return err
}

// path tells the tracker of an interface where it is now: its device, source, mark and next hop. It is for mwan3track only.
func (c cli) path(args []string) error {
	cfg, name, err := configAbout(args)
	if err != nil {
		return err
	}
	section, ok := cfg.Interface(name)
	if !ok {
		return unknown(name)
	}
	found, err := c.findPath(cfg, section)
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.out, found.String())
	return err
}

// configAbout reads the config, and which interface the arguments name. Its faults are told by others.
func configAbout(args []string) (config.Config, string, error) {
	if len(args) != 1 {
		return config.Config{}, "", fmt.Errorf("which interface? %q", args)
	}
	cfg, _, err := survey.Config()
	if err != nil {
		return config.Config{}, "", fmt.Errorf("read the configuration: %w", err)
	}
	return cfg, args[0], nil
}

func unknown(name string) reply.Untracked {
	return reply.Untracked{Reason: fmt.Sprintf("interface %s is not in the configuration", name)}
}

// settingsOf is the answer about an interface: its reply.Settings or, if it is not to be tracked, a reply.Untracked.
func settingsOf(cfg config.Config, name string) string {
	section, ok := cfg.Interface(name)
	switch {
	case !ok:
		return unknown(name).String()
	case !section.Enabled:
		return reply.Untracked{Reason: fmt.Sprintf("interface %s is not enabled", name)}.String()
	case len(section.Tracking.Targets) == 0:
		return reply.Untracked{Reason: fmt.Sprintf("interface %s has no track_ip, there is nothing to track", name), Fine: true}.String()
	}
	return reply.Settings{Interface: section, Mask: cfg.Globals.Mask}.String()
}

// findPath looks where an interface is.
func (c cli) findPath(cfg config.Config, section config.Interface) (reply.Path, error) {
	interfaces, err := survey.Interfaces(c.ctx, cfg)
	if err != nil {
		return reply.Path{}, err
	}
	iface, _ := network.State{Interfaces: interfaces}.Lookup(section.Name, section.Family)
	if !iface.Up || iface.Device == "" {
		return reply.Path{}, nil
	}
	routing, err := iproute.Open()
	if err != nil {
		return reply.Path{}, err
	}
	defer routing.Close()
	links, err := routing.Links()
	if err != nil {
		return reply.Path{}, fmt.Errorf("list devices: %w", err)
	}
	found := pathOf(section, cfg.Globals.Mask, iface, links)
	if slices.Contains(section.Tracking.Targets, config.GatewayTarget) {
		found.Gateway, err = routing.NextHop(section.Family, found.Index, found.Mark)
	}
	return found, err
}

// pathOf returns how probes leave by an interface that is up.
func pathOf(section config.Interface, mask config.Mask, iface network.Interface, links []iproute.Link) reply.Path {
	index, device, router := addrs(iface.Device, links)
	source, guessed := network.Source(iface, section.Family, device, router)
	if source.IsUnspecified() {
		source = netip.Addr{}
	}
	return reply.Path{
		Up:      true,
		Family:  section.Family,
		Device:  iface.Device,
		Index:   index,
		Source:  source,
		Guessed: guessed,
		Mark:    probeMark(section, mask, iface),
	}
}

// probeMark makes probes use the main table or, where that has no default route through the device because the config names
// the next hop, the interface's own.
func probeMark(section config.Interface, mask config.Mask, iface network.Interface) uint32 {
	if iface.Gateway.IsValid() {
		return mask.Mark(section.ID)
	}
	return mask.SpecialMark(config.Default)
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
