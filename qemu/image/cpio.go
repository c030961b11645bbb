package image

import (
	"fmt"
	"io"
	"strings"
)

// archive writes what the kernel unpacks as its first root: cpio's format "newc". Source: the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst.
type archive struct {
	to     io.Writer
	number int
	err    error
}

// Types of files, as in a file's mode (stat(2)).
const (
	cpioFolder  = 0o040000
	cpioFile    = 0o100000
	cpioLink    = 0o120000
	cpioDevice  = 0o020000 // character device
	cpioTrailer = "TRAILER!!!"
)

// add writes a file, or a link whose content is its target. Device is the major number, shifted by eight, and the minor one.
func (a *archive) add(name string, mode, device int, content string) {
	a.number++
	links := 1
	a.print("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", a.number, mode, 0, 0, links, 0,
		len(content), 0, 0, device>>8, device&0xff, len(name)+1, 0)
	a.print("%s\x00%s", name, padding(110+len(name)+1))
	a.print("%s%s", content, padding(len(content)))
}

// close ends the archive and returns the first error.
func (a *archive) close() error {
	a.add(cpioTrailer, 0, 0, "")
	return a.err
}

func (a *archive) print(format string, args ...any) {
	if a.err == nil {
		_, a.err = fmt.Fprintf(a.to, format, args...)
	}
}

// padding fills up to a multiple of four.
func padding(length int) string { return strings.Repeat("\x00", (4-length%4)%4) }
