package cross

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"

	"ipk/content"
)

// Size is what a program takes, in bytes.
type Size struct {
	Target  string
	Program string // empty: all three together
	Raw     int64
	Squash  int64 // in a router's read-only file system: squashfs, xz, blocks of 256 KiB
	Package int64 // its share of an .ipk: gzip
}

// Measure returns the sizes of the programs in a folder, and then of all of them together.
func Measure(ctx context.Context, target, folder string) ([]Size, error) {
	var sizes []Size
	total := Size{Target: target}
	var files []string
	for _, program := range content.Programs() {
		file := filepath.Join(folder, program)
		size, err := measure(ctx, file)
		if err != nil {
			return nil, err
		}
		size.Target, size.Program = target, program
		total.Raw += size.Raw
		total.Package += size.Package
		files, sizes = append(files, file), append(sizes, size)
	}
	var err error
	total.Squash, err = squash(ctx, files...)
	return append(sizes, total), err
}

func measure(ctx context.Context, file string) (Size, error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return Size{}, err
	}
	var packed counter
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return Size{}, err
	}
	_, err = zip.Write(body)
	if err := errors.Join(err, zip.Close()); err != nil {
		return Size{}, err
	}
	squashed, err := squash(ctx, file)
	return Size{Raw: int64(len(body)), Squash: squashed, Package: int64(packed)}, err
}

// squash returns the size of a squashfs of these files.
func squash(ctx context.Context, files ...string) (int64, error) {
	scratch, err := os.MkdirTemp("", "mwan3-squashfs-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	image := filepath.Join(scratch, "image")
	args := append(append([]string(nil), files...), image,
		"-comp", "xz", "-b", "256K", "-all-root", "-no-xattrs", "-nopad", "-noappend", "-no-progress", "-quiet")
	if out, err := exec.CommandContext(ctx, "mksquashfs", args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("mksquashfs: %w\n%s", err, out)
	}
	info, err := os.Stat(image)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// Table writes the sizes in KiB, a line for each.
func Table(w io.Writer, sizes []Size) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "target\tprogram\traw\tsquashfs\tipk\t\n")
	for _, size := range sizes {
		program := size.Program
		if program == "" {
			program = "all three"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t\n", size.Target, program, kib(size.Raw), kib(size.Squash), kib(size.Package))
	}
	return table.Flush()
}

// kib rounds up.
func kib(bytes int64) int64 { return (bytes + 1023) / 1024 }
