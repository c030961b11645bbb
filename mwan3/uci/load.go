package uci

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Bounds for files that are no configuration.
const (
	maxSize   = 1 << 20 // bytes
	maxFaults = 100     // reported per file
)

var errNotRegular = errors.New("not a regular file")

// Layers says where a configuration is. The base name of each delta is the package's name.
type Layers struct {
	Files  []string // the first that exists is read
	Deltas []string // changes on top of it, in order; those that exist
}

// Default returns the layers of a package as a running OpenWrt has them: the file, what `uci set` changed and nobody
// committed, and what programs noted as state.
func Default(pkg string) Layers {
	return Layers{
		Files:  []string{"/var/run/uci/" + pkg, "/etc/config/" + pkg},
		Deltas: []string{"/tmp/.uci/" + pkg, "/var/state/" + pkg},
	}
}

// Load reads the sections in file order and reports the lines that libuci would not read either. It fails only when
// there is nothing to read: no file (the error wraps os.ErrNotExist), none that can be read, or an absurd one.
func Load(l Layers) ([]Section, []Fault, error) {
	file, text, err := readFirst(l.Files)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	d := newDocument()
	commands, faults := parseFile(file, text)
	more, err := d.run(commands)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	faults = merge(nul(file, text), faults, more)
	for _, delta := range l.Deltas {
		faults = append(faults, d.loadDelta(delta)...)
	}
	return d.result(), faults, nil
}

// loadDelta carries out a delta file; one that cannot be read is a fault.
func (d *document) loadDelta(file string) []Fault {
	text, err := readFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []Fault{{Pos{File: file}, "changes are not read: " + err.Error()}}
	}
	changes, faults := parseDelta(file, text)
	more := d.change(changes)
	return merge(nul(file, text), faults, more)
}

// merge puts the faults of one file into the order of its lines and cuts them off where they are garbage.
func merge(lists ...[]Fault) []Fault {
	faults := slices.Concat(lists...)
	slices.SortStableFunc(faults, func(a, b Fault) int { return a.Pos.Line - b.Pos.Line })
	if len(faults) > maxFaults {
		faults = append(faults[:maxFaults], Fault{faults[maxFaults].Pos, "more faults from here on"})
	}
	return faults
}

// nul reports the first NUL byte, the trace of a file that was being written when the power went.
func nul(file, text string) []Fault {
	i := strings.IndexByte(text, 0)
	if i < 0 {
		return nil
	}
	line := 1 + strings.Count(text[:i], "\n")
	return []Fault{{Pos{file, line}, "a NUL byte: the file is damaged; the line ends here"}}
}

// readFirst reads the first file that exists.
func readFirst(files []string) (file, text string, err error) {
	err = os.ErrNotExist
	for _, file := range files {
		if text, err = readFile(file); !errors.Is(err, os.ErrNotExist) {
			return file, text, err
		}
	}
	return "", "", err
}

// readFile reads a regular file while no writer has it.
func readFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: %w", name, errNotRegular)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := lockShared(f); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxSize {
		return "", fmt.Errorf("%s: larger than %d bytes", name, maxSize)
	}
	return string(text), nil
}

// lockShared waits until no writer has the file. Closing it ends the lock.
func lockShared(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil && !errors.Is(err, syscall.ENOSYS) && !errors.Is(err, syscall.EOPNOTSUPP) {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		return nil
	}
}
