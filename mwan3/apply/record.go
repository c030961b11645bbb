package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mwan3/config"
)

// Dir is where a run leaves what the next one must know (contracts 3).
const Dir = "/var/run/mwan3"

// Record is what a run leaves for the next: that mwan3 is running and through which backend, under which mask, and
// whether a change was begun that nobody ended.
type Record struct{ Dir string }

// DefaultRecord is the router's own.
func DefaultRecord() Record { return Record{Dir} }

// Running tells whether mwan3 was started and not stopped, and which backend holds the marking.
func (r Record) Running() (config.Backend, bool) {
	text, err := os.ReadFile(r.path("running"))
	return config.Backend(strings.TrimSpace(string(text))), err == nil
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

// Started notes that mwan3 is running. The mask is kept in upstream's form for scripts that read it.
func (r Record) Started(backend config.Backend, mask config.Mask) error {
	return errors.Join(
		r.write("mmx_mask", fmt.Sprintf("%#x", uint32(mask))),
		r.write("running", string(backend)),
	)
}

// Clear forgets everything; mwan3 is stopped.
func (r Record) Clear() error {
	err := os.Remove(r.path("running"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(r.Dir))
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
