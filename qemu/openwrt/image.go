package openwrt

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"qemu/image"
	"qemu/store"
)

// Image returns what boots an image file of OpenWrt's, which may be compressed as OpenWrt publishes it. Kernel is a file of its
// own for machines where the image brings nothing that boots it (armsr: then it is the one named rootfs-ext4); empty for
// x86's combined images.
func Image(s store.Store, file, kernel string) (image.Image, error) {
	disk := file
	if strings.HasSuffix(file, ".gz") {
		info, err := os.Stat(file)
		if err != nil {
			return image.Image{}, err
		}
		key := store.NewKey(file, info.ModTime().String())
		folder, err := s.Make("openwrt", key, func(folder string) error {
			return unzip(file, filepath.Join(folder, "disk.img"))
		})
		if err != nil {
			return image.Image{}, err
		}
		disk = filepath.Join(folder, "disk.img")
	}
	return image.Image{Kernel: kernel, Disk: disk, Append: "root=/dev/vda rootwait"}, nil
}

// unzip unpacks a file and ignores what comes after the compressed part: OpenWrt's images carry a description there.
func unzip(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	packed, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	packed.Multistream(false)
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, packed)
	return errors.Join(err, out.Close())
}
