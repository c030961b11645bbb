package image

import (
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"qemu/arch"
	"qemu/kernel"
)

// firstInit loads the modules that the root file system is reached with, and goes there.
const firstInit = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
%s/bin/busybox mount -t ext4 /dev/vda /root || exec /bin/busybox sh
/bin/busybox mount -o move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
`

// writeInitramfs writes the first root of a kernel with modules: busybox out of a userland, and the modules.
func writeInitramfs(a arch.Arch, k kernel.Kernel, userland, to string) error {
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(file)
	out := &archive{to: packed}
	err = fillInitramfs(out, a, k, userland)
	return errors.Join(err, out.close(), packed.Close(), file.Close())
}

func fillInitramfs(out *archive, a arch.Arch, k kernel.Kernel, userland string) error {
	programs, err := sysroot{userland, a.Triplet}.closure([]string{"/bin/busybox"})
	if err != nil {
		return err
	}
	loads, err := chosen(k, early())
	if err != nil {
		return err
	}
	from := map[string]string{}
	for _, name := range programs {
		from[name] = filepath.Join(userland, name)
	}
	var load strings.Builder
	for _, module := range loads {
		name := "/modules/" + path.Base(module)
		from[name] = filepath.Join(k.Modules, "lib/modules", k.Version, module)
		fmt.Fprintf(&load, "/bin/busybox insmod %s\n", name)
	}
	for _, folder := range parents(from) {
		out.add(folder, cpioFolder|0o755, 0, "")
	}
	out.add("dev/console", cpioDevice|0o600, 5<<8|1, "")
	out.add("init", cpioFile|0o755, 0, fmt.Sprintf(firstInit, load.String()))
	return addFiles(out, from)
}

// addFiles adds files by their names in the archive.
func addFiles(out *archive, from map[string]string) error {
	for name, source := range from {
		content, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		out.add(strings.TrimPrefix(name, "/"), cpioFile|0o755, 0, string(content))
	}
	return out.err
}

// parents returns the folders of files, each after the one that it is in.
func parents(files map[string]string) []string {
	seen := map[string]bool{"dev": true, "root": true}
	for name := range files {
		for folder := path.Dir(name); folder != "/"; folder = path.Dir(folder) {
			seen[strings.TrimPrefix(folder, "/")] = true
		}
	}
	folders := make([]string, 0, len(seen))
	for folder := range seen {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	return folders
}
