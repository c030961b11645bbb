// Package inotify tells what happens to files in directories (inotify(7)).
package inotify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Watch watches directories.
type Watch struct {
	file *os.File
	dirs map[int32]string
}

// New begins to watch directories, which must be there, for the events of a mask of IN_ bits.
func New(mask uint32, dirs ...string) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	w := &Watch{file: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]string{}}
	for _, dir := range dirs {
		number, err := unix.InotifyAddWatch(fd, dir, mask)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("watch %s: %w", dir, err), w.Close())
		}
		w.dirs[int32(number)] = dir
	}
	return w, nil
}

// Close ends the watching, and with it Read.
func (w *Watch) Close() error { return w.file.Close() }

// Read tells each event, as the directory's name, as it was given, and the file's, until the watch is closed. An event is a
// header of 16 bytes and a padded name.
func (w *Watch) Read(tell func(dir, name string)) {
	const header = unix.SizeofInotifyEvent
	for buffer := make([]byte, 8192); ; {
		n, err := w.file.Read(buffer)
		if err != nil {
			return
		}
		for rest := buffer[:n]; len(rest) >= header; {
			number := int32(binary.NativeEndian.Uint32(rest))
			end := header + int(binary.NativeEndian.Uint32(rest[12:]))
			name, _, _ := bytes.Cut(rest[header:end], []byte{0})
			tell(w.dirs[number], string(name))
			rest = rest[end:]
		}
	}
}
