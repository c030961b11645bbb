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

// buildUserland compiles Debian's sources of busybox and iptables for a processor that Debian has no packages for.
func buildUserland(ctx context.Context, s store.Store, a arch.Arch) (string, error) {
	native, err := debian.Native(ctx)
	if err != nil {
		return "", err
	}
	apt := debian.Apt{Store: s, Architecture: native}
	busybox, err := apt.Source(ctx, "busybox")
	if err != nil {
		return "", err
	}
	iptables, err := apt.Source(ctx, "iptables")
	if err != nil {
		return "", err
	}
	key := store.NewKey(recipe, filepath.Dir(busybox), filepath.Dir(iptables), fmt.Sprint(busyboxSettings(), iptablesSettings(a)))
	return s.Make("userland-"+a.Name, key, func(folder string) error {
		scratch := filepath.Join(folder, "scratch")
		c := compiler{ctx: ctx, cross: a.Triplet + "-", scratch: scratch, to: folder}
		return errors.Join(c.busybox(busybox), c.iptables(iptables, a), os.RemoveAll(scratch))
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
	program := filepath.Join(c.to, "usr/sbin/xtables-legacy-multi")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return err
	}
	_, err := command.Run(c.ctx, tree, c.cross+"strip", "-o", program, "iptables/xtables-legacy-multi")
	return err
}

func (c compiler) compile(tree string, args ...string) error {
	args = append([]string{"-n", "5", "make", fmt.Sprintf("-j%d", runtime.NumCPU())}, args...)
	_, err := command.Run(c.ctx, tree, "nice", args...)
	return err
}
