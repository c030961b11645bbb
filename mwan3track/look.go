package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"mwan3/hotplug"
	"mwan3/iproute"
	"mwan3/reply"
	"mwan3track/probe"
)

// looker sees the router with mwan3's eyes: it asks the configurator, which has all that it takes to look and to decide
// anyway. A tracker that looks once an hour need not have it in memory.
type looker struct{ router hotplug.Router }

// Settings asks what the config says about an interface. The error is an reply.Untracked when it is not to be tracked.
func (l looker) Settings(ctx context.Context, iface string) (settings, error) {
	text, err := l.router.Ask(ctx, "tracking", iface)
	if err != nil {
		return settings{}, err
	}
	found, err := reply.ParseSettings(text)
	if untracked := (reply.Untracked{}); errors.As(err, &untracked) {
		return settings{}, untracked
	}
	if err != nil {
		return settings{}, fmt.Errorf("understand %s tracking %s: %w", l.router.Configurator, iface, err)
	}
	found.Interface.Name, found.Interface.Enabled = iface, true
	return settings{section: found.Interface, mask: found.Mask}, nil
}

// Look asks for the interface's device, source and mark.
func (l looker) Look(ctx context.Context, s settings) (link, error) {
	text, err := l.router.Ask(ctx, "path", s.section.Name)
	if err != nil {
		return link{}, err
	}
	found, err := reply.ParsePath(text)
	switch {
	case err != nil:
		return link{}, fmt.Errorf("understand %s path %s: %w", l.router.Configurator, s.section.Name, err)
	case found.Up && found.Family != s.section.Family:
		return link{}, fmt.Errorf("look for an %s path: the configuration says %s by now", s.section.Family, found.Family)
	}
	return link{
		up:      found.Up,
		index:   found.Index,
		gateway: found.Gateway,
		guessed: found.Guessed,
		path:    probe.Path{Family: found.Family, Device: found.Device, Source: found.Source, Mark: found.Mark},
	}, nil
}

// Watch reports changes of devices and addresses.
func (looker) Watch(ctx context.Context) (<-chan iproute.Event, error) {
	return iproute.WatchLinks(ctx)
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
