package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qemu/command"
)

// spare is what a router can write to its disk, in bytes.
const spare = 64 << 20

// format writes a folder into a new ext4 file system. Checksums are left out: they would take a module that not every kernel
// has at hand this early.
func format(ctx context.Context, root, disk string) error {
	size, err := measure(root)
	if err != nil {
		return err
	}
	_, err = command.Run(ctx, "", "mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", "router", "-O", "^metadata_csum,^64bit",
		"-E", "root_owner=0:0,lazy_itable_init=0", "-d", root, disk, fmt.Sprintf("%dk", (size+spare)/1024))
	return err
}

// measure returns how many bytes a folder takes in blocks of 4 KiB, with its inodes.
func measure(root string) (int64, error) {
	var size int64
	err := filepath.WalkDir(root, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size += (info.Size()+4095)/4096*4096 + 256
		return nil
	})
	return size, err
}

// Extra writes a folder into a new ext4 file system at path, for a second drive.
func Extra(ctx context.Context, folder, path string) error {
	return errors.Join(os.RemoveAll(path), format(ctx, folder, path))
}
