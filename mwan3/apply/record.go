package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mwan3/config"
	"mwan3/network"
	"mwan3/plan"
)

// Dir is where a run leaves what the next one must know (contracts 3).
const Dir = "/var/run/mwan3"

// Record is what a run leaves for the next, which may come after a crash at any moment. Two files say how things are:
//
//	running   changing
//	yes       no        the kernel is as the plan wants it
//	yes       yes       a start or another change is under way, or was cut off: the next run brings all to the plan
//	no        yes       a stop is under way, or was cut off: the next run takes the rest away
//	no        no        there is nothing of ours
type Record struct{ Dir string }

// DefaultRecord is the router's own.
func DefaultRecord() Record { return Record{Dir} }

// Running tells whether mwan3 was started and not stopped, and which backend holds the marking.
func (r Record) Running() (config.Backend, bool) {
	text, err := os.ReadFile(r.path("running"))
	return config.Backend(strings.TrimSpace(string(text))), err == nil
}

// LoadedConfig is the directory in which a run keeps the configuration that the kernel was loaded with.
func (r Record) LoadedConfig() string { return r.path("loaded") }

// Mirrored returns what SetMirrored has noted for a family since a run last brought everything to the plan; empty if it has
// not.
func (r Record) Mirrored(f network.Family) string {
	text, err := os.ReadFile(r.path("mirrored_" + f.String()))
	loaded, sets, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if err != nil || loaded != r.generation() {
		return ""
	}
	return sets
}

// SetMirrored notes which sets of the family are in the kernel, in a word that tells them from others.
func (r Record) SetMirrored(f network.Family, sets string) error {
	return r.write("mirrored_"+f.String(), r.generation()+" "+sets)
}

// generation tells one load of everything from the next.
func (r Record) generation() string {
	info, err := os.Stat(r.path("running"))
	if err != nil {
		return ""
	}
	return strconv.FormatInt(info.ModTime().UnixNano(), 10)
}

// Begin notes that a change is under way. It tells whether an earlier one was cut off.
func (r Record) Begin() (cutOff bool, err error) {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return false, err
	}
	file, err := os.OpenFile(r.path("changing"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, file.Close()
}

// Done notes that the change has ended well.
func (r Record) Done() error { return os.Remove(r.path("changing")) }

// Stop notes that mwan3 is to run no more and that its end is under way. It tells whether an earlier change was cut off.
func (r Record) Stop() (cutOff bool, err error) {
	cutOff, err = r.Begin()
	if err != nil {
		return cutOff, err
	}
	if err := os.Remove(r.path("running")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cutOff, err
	}
	return cutOff, nil
}

// Stopping tells whether a stop was begun that nobody has ended.
func (r Record) Stopping() bool {
	_, running := r.Running()
	_, err := os.Stat(r.path("changing"))
	return !running && err == nil
}

// Started notes that mwan3 is running, and which marks the interfaces have. The mask is kept in upstream's form for
// scripts that read it.
func (r Record) Started(backend config.Backend, mask config.Mask, marks ...plan.Carried) error {
	return errors.Join(
		r.write("mmx_mask", fmt.Sprintf("%#x", uint32(mask))),
		r.SetMarks(marks),
		r.write("running", string(backend)),
	)
}

// Clear ends a stop: it forgets everything, last of all that something was to be done.
func (r Record) Clear() error {
	entries, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, entry := range entries {
		if entry.Name() != "changing" {
			errs = append(errs, os.RemoveAll(r.path(entry.Name())))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(r.Dir))...)
}

func (r Record) path(name string) string { return filepath.Join(r.Dir, name) }

// write replaces a file at once, so that a reader sees the old or the new text.
func (r Record) write(name, text string) error {
	temp := r.path("." + name)
	if err := os.WriteFile(temp, []byte(text+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, r.path(name))
}
