package kernel

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"qemu/arch"
	"qemu/command"
	"qemu/debian"
	"qemu/store"
)

// source is Debian's package with the kernel's source: the same version as the other routers'.
const source = "linux-source-6.1"

// malta is the configuration of the big-endian MIPS router.
//
//go:embed malta.config
var malta string

// build compiles the kernel that Debian has no package of.
func build(ctx context.Context, s store.Store, a arch.Arch) (Kernel, error) {
	native, err := debian.Native(ctx)
	if err != nil {
		return Kernel{}, err
	}
	debs, err := debian.Apt{Store: s, Architecture: native}.Alone(ctx, source)
	if err != nil {
		return Kernel{}, err
	}
	key := store.NewKey(filepath.Base(debs), malta)
	entry, err := s.Make("kernel-"+a.Name, key, func(folder string) error {
		b := builder{ctx: ctx, say: s.Say, cross: a.Triplet + "-", tree: filepath.Join(folder, "source")}
		return errors.Join(b.make(debs, folder), os.RemoveAll(b.tree))
	})
	if err != nil {
		return Kernel{}, err
	}
	version, err := os.ReadFile(filepath.Join(entry, "version"))
	return Kernel{Image: filepath.Join(entry, "vmlinux"), Version: strings.TrimSpace(string(version))}, err
}

// builder builds in one source tree.
type builder struct {
	ctx   context.Context
	say   func(string)
	cross string // prefix of the compiler's programs
	tree  string
}

// make leaves vmlinux, version and config in a folder.
func (b builder) make(debs, folder string) error {
	if err := b.unpack(debs); err != nil {
		return err
	}
	if err := b.configure(); err != nil {
		return err
	}
	if err := b.compile(); err != nil {
		return err
	}
	if _, err := command.Run(b.ctx, b.tree, b.cross+"strip", "-o", filepath.Join(folder, "vmlinux"), "vmlinux"); err != nil {
		return err
	}
	return errors.Join(
		os.Rename(filepath.Join(b.tree, "include/config/kernel.release"), filepath.Join(folder, "version")),
		os.Rename(filepath.Join(b.tree, ".config"), filepath.Join(folder, "config")),
	)
}

func (b builder) unpack(debs string) error {
	if err := debian.Unpack(b.ctx, debs, b.tree, source+"_*.deb"); err != nil {
		return err
	}
	archive := filepath.Join(b.tree, "usr/src", source+".tar.xz")
	if _, err := command.Run(b.ctx, "", "tar", "-C", b.tree, "--strip-components=1", "-xJf", archive); err != nil {
		return err
	}
	return os.Remove(archive)
}

// configure turns everything off and then on what the configuration of ours says.
func (b builder) configure() error {
	fragment := filepath.Join(b.tree, "fragment")
	if err := os.WriteFile(fragment, []byte(malta), 0o644); err != nil {
		return err
	}
	if _, err := command.Run(b.ctx, b.tree, "make", b.args("KCONFIG_ALLCONFIG="+fragment, "allnoconfig")...); err != nil {
		return err
	}
	config, err := os.ReadFile(filepath.Join(b.tree, ".config"))
	if err != nil {
		return err
	}
	if lost := Lost(malta, string(config)); len(lost) > 0 {
		return fmt.Errorf("the kernel cannot have %s: something that they need is missing", strings.Join(lost, ", "))
	}
	return nil
}

// compile takes minutes: it steps back for other programs, and says how far it is.
func (b builder) compile() error {
	files := 0
	said := time.Now()
	see := func(string) {
		files++
		if b.say != nil && time.Since(said) > 20*time.Second {
			said = time.Now()
			b.say(fmt.Sprintf("kernel: step %d of about 1900", files))
		}
	}
	args := append([]string{"-n", "5", "make"}, b.args(fmt.Sprintf("-j%d", runtime.NumCPU()), "vmlinux")...)
	return command.Watch(b.ctx, b.tree, see, "nice", args...)
}

// args are make's. Who built it when is left out: the same source gives the same kernel.
func (b builder) args(more ...string) []string {
	return append([]string{
		"ARCH=mips", "CROSS_COMPILE=" + b.cross,
		"KBUILD_BUILD_TIMESTAMP=1970-01-01", "KBUILD_BUILD_USER=mwan3", "KBUILD_BUILD_HOST=mwan3",
	}, more...)
}

// Lost returns the settings of a fragment that a finished configuration does not have: the kernel's own tool drops in
// silence what depends on something that is off.
func Lost(fragment, config string) []string {
	have := map[string]bool{}
	for line := range strings.Lines(config) {
		have[strings.TrimSpace(line)] = true
	}
	var lost []string
	for line := range strings.Lines(fragment) {
		line = strings.TrimSpace(line)
		name, off := strings.CutSuffix(line, "=n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case off && (have[name+"=y"] || have[name+"=m"]):
			lost = append(lost, line)
		case !off && !have[line]:
			lost = append(lost, line)
		}
	}
	return lost
}
