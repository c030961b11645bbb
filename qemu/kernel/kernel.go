// Package kernel brings the kernels that the routers boot: Debian's where Debian has one for the processor, else one built from
// Debian's source with a small configuration of ours.
package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"qemu/arch"
	"qemu/command"
	"qemu/debian"
	"qemu/store"
)

// Kernel is one that QEMU can boot.
type Kernel struct {
	// Image is the file for QEMU's option -kernel.
	Image string
	// Version is what uname -r says, and the name of the modules' folder.
	Version string
	// Modules is a folder with lib/modules/VERSION and its modules.dep; empty if everything is built in.
	Modules string
}

// Make returns the kernel of a, from the store or made now. Debs is a folder with Debian's packages, a.Kernel and its
// dependencies among them; it is not looked at where there are none.
func Make(ctx context.Context, s store.Store, a arch.Arch, debs string) (Kernel, error) {
	if a.Debian == "" {
		return build(ctx, s, a)
	}
	entry, err := s.Make("kernel-"+a.Name, store.NewKey(filepath.Base(debs)), func(folder string) error {
		return unpack(ctx, debs, folder)
	})
	if err != nil {
		return Kernel{}, err
	}
	return find(entry)
}

// unpack takes kernel and modules out of Debian's package, and lists what needs what.
func unpack(ctx context.Context, debs, folder string) error {
	if err := debian.Unpack(ctx, debs, folder, "linux-image-[0-9]*.deb"); err != nil {
		return err
	}
	k, err := find(folder)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(folder, "usr")); err != nil {
		return err
	}
	_, err = command.Run(ctx, "", "depmod", "-b", folder, k.Version)
	return err
}

// find looks for the only kernel below a folder.
func find(folder string) (Kernel, error) {
	images, err := filepath.Glob(filepath.Join(folder, "boot/vmlinu[xz]-*"))
	if err != nil {
		return Kernel{}, err
	}
	versions, err := filepath.Glob(filepath.Join(folder, "lib/modules/*"))
	if err != nil {
		return Kernel{}, err
	}
	if len(images) != 1 || len(versions) != 1 {
		return Kernel{}, fmt.Errorf("%s has %d kernels and %d folders of modules, not one of each", folder, len(images), len(versions))
	}
	return Kernel{Image: images[0], Version: filepath.Base(versions[0]), Modules: folder}, nil
}
