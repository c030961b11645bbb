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

// buildUserland compiles Debian's sources of a router's programs for a processor that Debian has no packages for.
func buildUserland(ctx context.Context, s store.Store, a arch.Arch) (string, error) {
	native, err := debian.Native(ctx)
	if err != nil {
		return "", err
	}
	apt := debian.Apt{Store: s, Architecture: native}
	sources := map[string]string{}
	key := store.NewKey(recipe, fmt.Sprint(busyboxSettings(), iptablesSettings(a), iproute2Settings(a)))
	for _, name := range []string{"busybox", "iproute2", "iptables"} {
		if sources[name], err = apt.Source(ctx, name); err != nil {
			return "", err
		}
		key.Text(filepath.Base(filepath.Dir(sources[name])))
	}
	return s.Make("userland-"+a.Name, key, func(folder string) error {
		scratch := filepath.Join(folder, "scratch")
		c := compiler{ctx: ctx, cross: a.Triplet + "-", scratch: scratch, to: folder}
		return errors.Join(
			c.busybox(sources["busybox"]),
			c.iptables(sources["iptables"], a),
			c.iproute2(sources["iproute2"], a),
			os.RemoveAll(scratch),
		)
	})
}

// compiler compiles in a scratch folder, because the sources in the store are to stay as they are.
type compiler struct {
	ctx     context.Context
	cross   string // prefix of the compiler's programs
	scratch string
	to      string // a router's root
}

// busyboxSettings are changed in the configuration of Debian's package: no libraries, and what iproute2 does elsewhere.
func busyboxSettings() []string {
	return []string{
		"STATIC", "IP", "FEATURE_IP_ADDRESS", "FEATURE_IP_LINK", "FEATURE_IP_ROUTE", "FEATURE_IP_RULE", "FEATURE_IP_NEIGH",
		"FEATURE_IP_TUNNEL", "FEATURE_IPV6", "PING", "PING6", "FEATURE_FANCY_PING", "INIT", "FEATURE_USE_INITTAB", "FLOCK", "MOUNTPOINT",
	}
}

// busybox compiles it with nearly the configuration that Debian's package has.
func (c compiler) busybox(source string) error {
	tree := filepath.Join(c.scratch, "busybox")
	if err := copyTree(source, tree); err != nil {
		return err
	}
	config, err := os.ReadFile(filepath.Join(tree, "debian/config/pkg/deb"))
	if err != nil {
		return err
	}
	text := set(string(config), busyboxSettings())
	if err := os.WriteFile(filepath.Join(tree, ".config"), []byte(text), 0o644); err != nil {
		return err
	}
	cross := "CROSS_COMPILE=" + c.cross
	if _, err := command.Run(c.ctx, tree, "sh", "-c", `yes "" | make "$1" oldconfig`, "sh", cross); err != nil {
		return err
	}
	if err := c.compile(tree, cross, "busybox"); err != nil {
		return err
	}
	return copyFile(filepath.Join(tree, "busybox"), filepath.Join(c.to, "bin/busybox"))
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
func (c compiler) iptables(source string, a arch.Arch) error {
	tree := filepath.Join(c.scratch, "iptables")
	if err := copyTree(source, tree); err != nil {
		return err
	}
	if _, err := command.Run(c.ctx, tree, "./configure", iptablesSettings(a)...); err != nil {
		return err
	}
	if err := c.compile(tree, "LDFLAGS=-all-static"); err != nil {
		return err
	}
	return c.install(filepath.Join(tree, "iptables/xtables-legacy-multi"), "usr/sbin/xtables-legacy-multi")
}

// iproute2Settings are for make. Only ip is compiled: the other programs need libraries.
func iproute2Settings(a arch.Arch) []string {
	return []string{"CC=" + a.Triplet + "-gcc", "HOSTCC=gcc", "LDFLAGS=-static", "SUBDIRS=lib ip"}
}

// iproute2 finds no library but C's when it asks a pkg-config that fails.
func (c compiler) iproute2(source string, a arch.Arch) error {
	tree := filepath.Join(c.scratch, "iproute2")
	if err := copyTree(source, tree); err != nil {
		return err
	}
	if _, err := command.Run(c.ctx, tree, "env", "PKG_CONFIG=false", "CC="+a.Triplet+"-gcc", "./configure"); err != nil {
		return err
	}
	if err := c.compile(tree, iproute2Settings(a)...); err != nil {
		return err
	}
	return errors.Join(
		c.install(filepath.Join(tree, "ip/ip"), "bin/ip"),
		copyTree(filepath.Join(tree, "etc/iproute2"), filepath.Join(c.to, "etc/iproute2")),
	)
}

// install puts a program without its symbols into the router's root.
func (c compiler) install(program, name string) error {
	to := filepath.Join(c.to, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	_, err := command.Run(c.ctx, "", c.cross+"strip", "-o", to, program)
	return err
}

func (c compiler) compile(tree string, args ...string) error {
	args = append([]string{"-n", "5", "make", fmt.Sprintf("-j%d", runtime.NumCPU())}, args...)
	_, err := command.Run(c.ctx, tree, "nice", args...)
	return err
}
