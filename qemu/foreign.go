package main

import (
	"context"
	"errors"
	"os"

	"path/filepath"
	"qemu/image"
	"qemu/look/wire"
	"qemu/machine"
	"qemu/openwrt"
)

// foreign is a router that knows nothing of our engine, which comes on a second drive and is started by the console: an
// official image, or our own with a shell on the console in its place.
func (o options) foreign(ctx context.Context, c machine.Config) (machine.Config, error) {
	var err error
	if o.official != "" {
		c.Image, err = openwrt.Image(o.store, o.official, o.kernel)
	} else {
		c.Image, err = o.image(ctx, c.Arch)
		c.Append += " lab.console"
	}
	if err != nil {
		return c, err
	}
	files, err := os.MkdirTemp("", "qemu-files-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(files)
	if err := o.compileLook(ctx, c.Arch, filepath.Join(files, image.Engine)); err != nil {
		return c, err
	}
	return openwrt.Drive(ctx, c, files)
}

// peek tries what any router can do.
func (o options) peek(ctx context.Context, c machine.Config) error {
	m, l, err := o.start(ctx, c)
	if err != nil {
		return err
	}
	tries := []try{
		shown("kernel", "uname -rm; cat /etc/openwrt_release 2>/dev/null; true"),
		shown("memory, KiB", "free | grep Mem"),
		shown("cards", "ls /sys/class/net"),
		shown("firewalls", "which nft iptables ipset ip; true"),
		{name: "cgroup BPF", request: wire.Request{Bind: "lo"}},
	}
	return errors.Join(o.goThrough(tries, l), off(m, l), m.Close())
}
