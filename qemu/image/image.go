// Package image makes what a router boots from: a kernel, a first root that reaches the disk, and the disk. The disk holds
// Debian's programs for the processor, laid out as OpenWrt has them, and a caller's own files on top.
package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qemu/arch"
	"qemu/command"
	"qemu/debian"
	"qemu/kernel"
	"qemu/store"
)

// Engine is the program that the router runs when it is up, with its standard input and output on the channel; a caller's files
// have to bring it. When it ends the machine does, too.
const Engine = "/usr/libexec/lab-engine"

// Image is what a machine needs to boot. Its files are not to be written to.
type Image struct {
	Kernel string
	Initrd string // empty if the kernel needs none
	// Disk is a raw ext4 file system, not a disk with partitions.
	Disk string
	// Append is the kernel's command line, without the console.
	Append string
}

// Make returns the image of a router with the files below the overlays laid over its root, the last on top. What was made
// before from the same is used again.
func Make(ctx context.Context, s store.Store, a arch.Arch, overlays ...string) (Image, error) {
	debs := ""
	if a.Debian != "" {
		var err error
		apt := debian.Apt{Store: s, Architecture: a.Debian}
		if debs, err = apt.Packages(ctx, append(packages(), a.Kernel)...); err != nil {
			return Image{}, err
		}
	}
	userland, err := makeUserland(ctx, s, a, debs)
	if err != nil {
		return Image{}, err
	}
	k, err := kernel.Make(ctx, s, a, debs)
	if err != nil {
		return Image{}, err
	}
	initrd, err := makeInitrd(s, a, k, userland)
	if err != nil {
		return Image{}, err
	}
	disk, err := makeDisk(ctx, s, a, k, userland, overlays)
	return Image{Kernel: k.Image, Initrd: initrd, Disk: disk, Append: commandLine}, err
}

// commandLine is the kernel's. Without napi_tx=0, virtio_net (Linux 6.1) can go round for ever in virtnet_poll_cleantx while it
// waits for what a card of QEMU 7.2 has sent; the router stands still then.
const commandLine = "root=/dev/vda rw quiet virtio_net.napi_tx=0"

// recipe stands for this package's part in what it makes: raise it with every change that the other parts of a key do not show.
const recipe = "1"

// makeUserland returns a folder with the programs, without modules.
func makeUserland(ctx context.Context, s store.Store, a arch.Arch, debs string) (string, error) {
	if a.Debian == "" {
		return buildUserland(ctx, s, a)
	}
	key := store.NewKey(recipe, filepath.Base(debs), fmt.Sprint(programs(), trees(a)))
	return s.Make("userland-"+a.Name, key, func(folder string) error {
		everything := sysroot{filepath.Join(folder, "everything"), a.Triplet}
		if err := debian.Unpack(ctx, debs, everything.folder, "[^l]*.deb", "lib*.deb"); err != nil {
			return err
		}
		return errors.Join(everything.pick(a, folder), os.RemoveAll(everything.folder))
	})
}

// pick copies the router's part of Debian's files.
func (s sysroot) pick(a arch.Arch, to string) error {
	files, err := s.closure(programs())
	if err != nil {
		return err
	}
	for _, name := range files {
		real, err := s.resolve(name)
		if err != nil {
			return err
		}
		if err := copyFile(filepath.Join(s.folder, real), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	for _, name := range trees(a) {
		if err := copyTree(filepath.Join(s.folder, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

// makeInitrd returns the first root's file; none for a kernel without modules.
func makeInitrd(s store.Store, a arch.Arch, k kernel.Kernel, userland string) (string, error) {
	if k.Modules == "" {
		return "", nil
	}
	key := store.NewKey(recipe, filepath.Base(k.Modules), filepath.Base(userland), firstInit, fmt.Sprint(early()))
	entry, err := s.Make("initrd-"+a.Name, key, func(folder string) error {
		return writeInitramfs(a, k, userland, filepath.Join(folder, "initrd.gz"))
	})
	return filepath.Join(entry, "initrd.gz"), err
}

func makeDisk(ctx context.Context, s store.Store, a arch.Arch, k kernel.Kernel, userland string, overlays []string) (string, error) {
	key := store.NewKey(recipe, filepath.Base(userland), filepath.Base(k.Modules), fmt.Sprint(folders(), links(a), modules()))
	if err := key.FS(ours); err != nil {
		return "", err
	}
	for _, overlay := range overlays {
		key.Tree(overlay)
	}
	entry, err := s.Make("disk-"+a.Name, key, func(folder string) error {
		root := filepath.Join(folder, "root")
		err := errors.Join(layOut(a, userland, root), addModules(ctx, k, root), layOver(root, overlays))
		if err == nil {
			err = format(ctx, root, filepath.Join(folder, "disk.ext4"))
		}
		return errors.Join(err, os.RemoveAll(root))
	})
	return filepath.Join(entry, "disk.ext4"), err
}

// layOut makes the root of a router out of its programs.
func layOut(a arch.Arch, userland, root string) error {
	for _, folder := range folders() {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			return err
		}
	}
	if err := copyTree(userland, root); err != nil {
		return err
	}
	for name, target := range links(a) {
		if err := symlink(target, filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return writeOurs(root)
}

// addModules copies the router's part of the kernel's modules, and lists again what needs what.
func addModules(ctx context.Context, k kernel.Kernel, root string) error {
	if k.Modules == "" {
		return nil
	}
	list, err := chosen(k, modules())
	if err != nil {
		return err
	}
	folder := filepath.Join("lib/modules", k.Version)
	for _, name := range append(list, "modules.builtin", "modules.order", "modules.builtin.modinfo") {
		err := copyFile(filepath.Join(k.Modules, folder, name), filepath.Join(root, folder, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, err = command.Run(ctx, "", "depmod", "-b", root, k.Version)
	return err
}

func layOver(root string, overlays []string) error {
	for _, overlay := range overlays {
		if err := copyTree(overlay, root); err != nil {
			return err
		}
	}
	return nil
}

// After returns an image of what a router with the image i has on its disk after work. work runs the router with its disk in a
// folder, as package machine does, and leaves it switched off. What was made before from the same is used again.
func After(ctx context.Context, s store.Store, a arch.Arch, i Image, what string, work func(folder string) error) (Image, error) {
	key := store.NewKey(recipe, filepath.Base(filepath.Dir(i.Disk)), filepath.Base(filepath.Dir(i.Kernel)), what)
	entry, err := s.Make("after-"+a.Name, key, func(folder string) error {
		scratch := filepath.Join(folder, "scratch")
		if err := work(scratch); err != nil {
			return err
		}
		_, err := command.Run(ctx, "", "qemu-img", "convert", "-O", "raw", filepath.Join(scratch, Written), filepath.Join(folder, "disk.ext4"))
		return errors.Join(err, os.RemoveAll(scratch))
	})
	if err != nil {
		return Image{}, err
	}
	i.Disk = filepath.Join(entry, "disk.ext4")
	return i, nil
}

// Written is the name of the file in a machine's folder that its disk is in.
const Written = "disk.qcow2"
