package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"qemu/arch"
	"qemu/command"
	"qemu/debian"
	"qemu/store"
)

// compiler compiles one program, in a scratch folder, because the sources in the store are to stay as they are.
type compiler struct {
	ctx     context.Context
	arch    arch.Arch
	cross   string // prefix of the compiler's programs
	scratch string // has a copy of the source
	to      string // a router's root
}

// source is a program that is compiled, by the name of Debian's source package.
type source struct {
	name     string
	settings []string
	build    func(compiler) error
}

func sources(a arch.Arch) []source {
	return []source{
		{"busybox", busyboxSettings(), compiler.busybox},
		{"iproute2", iproute2Settings(a), compiler.iproute2},
		{"iptables", iptablesSettings(a), compiler.iptables},
	}
}

// buildUserland compiles Debian's sources of a router's programs for a processor that Debian has no packages for.
func buildUserland(ctx context.Context, s store.Store, a arch.Arch) (string, error) {
	native, err := debian.Native(ctx)
	if err != nil {
		return "", err
	}
	apt := debian.Apt{Store: s, Architecture: native}
	var entries []string
	all := store.NewKey(recipe)
	for _, program := range sources(a) {
		entry, err := program.compile(ctx, s, a, apt)
		if err != nil {
			return "", err
		}
		entries = append(entries, entry)
		all.Text(filepath.Base(entry))
	}
	return s.Make("userland-"+a.Name, all, func(folder string) error { return layOver(folder, entries) })
}

// compile returns a folder with the program where a router has it.
func (p source) compile(ctx context.Context, s store.Store, a arch.Arch, apt debian.Apt) (string, error) {
	from, err := apt.Source(ctx, p.name)
	if err != nil {
		return "", err
	}
	key := store.NewKey(recipe, filepath.Base(filepath.Dir(from)), fmt.Sprint(p.settings))
	return s.Make(p.name+"-"+a.Name, key, func(folder string) error {
		c := compiler{ctx: ctx, arch: a, cross: a.Triplet + "-", scratch: filepath.Join(folder, "scratch"), to: folder}
		if err := copyTree(from, c.scratch); err != nil {
			return err
		}
		return errors.Join(p.build(c), os.RemoveAll(c.scratch))
	})
}

// busyboxSettings are changed in the configuration of Debian's package: no libraries, and what iproute2 does elsewhere.
func busyboxSettings() []string {
	return []string{
		"STATIC", "IP", "FEATURE_IP_ADDRESS", "FEATURE_IP_LINK", "FEATURE_IP_ROUTE", "FEATURE_IP_RULE", "FEATURE_IP_NEIGH",
		"FEATURE_IP_TUNNEL", "FEATURE_IPV6", "PING", "PING6", "FEATURE_FANCY_PING", "INIT", "FEATURE_USE_INITTAB", "FLOCK", "MOUNTPOINT",
	}
}

// busybox compiles it with nearly the configuration that Debian's package has.
func (c compiler) busybox() error {
	config, err := os.ReadFile(filepath.Join(c.scratch, "debian/config/pkg/deb"))
	if err != nil {
		return err
	}
	text := set(string(config), busyboxSettings())
	if err := os.WriteFile(filepath.Join(c.scratch, ".config"), []byte(text), 0o644); err != nil {
		return err
	}
	cross := "CROSS_COMPILE=" + c.cross
	if _, err := command.Run(c.ctx, c.scratch, "sh", "-c", `yes "" | make "$1" oldconfig`, "sh", cross); err != nil {
		return err
	}
	if err := c.make(cross, "busybox"); err != nil {
		return err
	}
	return c.install("busybox", "bin/busybox")
}

// set switches settings of a configuration on.
func set(config string, names []string) string {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted["CONFIG_"+name] = true
	}
	var out strings.Builder
	for line := range strings.Lines(config) {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "# "), " is not set")
		name, _, _ = strings.Cut(name, "=")
		if !wanted[name] {
			out.WriteString(line)
		}
	}
	for _, name := range names {
		fmt.Fprintf(&out, "CONFIG_%s=y\n", name)
	}
	return out.String()
}

// iptablesSettings are for its configure script.
func iptablesSettings(a arch.Arch) []string {
	return []string{"--host=" + a.Triplet, "--prefix=/usr", "--disable-nftables", "--disable-shared", "--enable-static"}
}

// iptables compiles the variant that needs no library but C's, which has no package for the processor either.
func (c compiler) iptables() error {
	if _, err := command.Run(c.ctx, c.scratch, "./configure", iptablesSettings(c.arch)...); err != nil {
		return err
	}
	if err := c.make("LDFLAGS=-all-static"); err != nil {
		return err
	}
	return c.install("iptables/xtables-legacy-multi", "usr/sbin/xtables-legacy-multi")
}

// iproute2Settings are for make. Only ip and bridge are compiled: the other programs need libraries. That there are no shared
// libraries it has to be told, or it looks for its kinds of devices in vain.
func iproute2Settings(a arch.Arch) []string {
	return []string{"CC=" + a.Triplet + "-gcc", "HOSTCC=gcc", "LDFLAGS=-static", "SHARED_LIBS=n", "SUBDIRS=lib ip bridge"}
}

// iproute2 finds no library but C's when it asks a pkg-config that fails.
func (c compiler) iproute2() error {
	if _, err := command.Run(c.ctx, c.scratch, "env", "PKG_CONFIG=false", "CC="+c.cross+"gcc", "./configure"); err != nil {
		return err
	}
	if err := c.make(iproute2Settings(c.arch)...); err != nil {
		return err
	}
	return errors.Join(
		c.install("ip/ip", "bin/ip"),
		c.install("bridge/bridge", "sbin/bridge"),
		copyTree(filepath.Join(c.scratch, "etc/iproute2"), filepath.Join(c.to, "etc/iproute2")),
	)
}

// install puts a program without its symbols into the router's root.
func (c compiler) install(program, name string) error {
	to := filepath.Join(c.to, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	_, err := command.Run(c.ctx, c.scratch, c.cross+"strip", "-o", to, program)
	return err
}

// make steps back for other programs.
func (c compiler) make(args ...string) error {
	args = append([]string{"-n", "5", "make", fmt.Sprintf("-j%d", runtime.NumCPU())}, args...)
	_, err := command.Run(c.ctx, c.scratch, "nice", args...)
	return err
}
