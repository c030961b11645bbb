package packages

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"ipk/archive"
)

// manager is a package manager with one package.
type manager interface {
	// install installs a package, or upgrades to it. It is cut off before the step of that name; an empty one is none.
	install(p parcel, cut string) error
	remove() error
}

// step is a part of what a package manager does.
type step struct {
	name string
	do   func() error
}

// carryOut takes the steps up to the one before which it is cut off.
func carryOut(steps []step, cut string) error {
	for _, s := range steps {
		if s.name == cut {
			return nil
		}
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if cut != "" {
		return fmt.Errorf("there is no step %s", cut)
	}
	return nil
}

// shelf is where a package manager puts files: the root folder of a router or of an image.
type shelf struct {
	root    string
	folders []string // that it has made
}

func (s *shelf) path(name string) string { return filepath.Join(s.root, name) }

// put writes a file beside its place and moves it there.
func (s *shelf) put(name string, file archive.Entry) error {
	place := s.path(name)
	if err := s.makeFolder(filepath.Dir(place)); err != nil {
		return err
	}
	if err := writeWhole(place+".new", file); err != nil {
		return err
	}
	return os.Rename(place+".new", place)
}

// writeWhole writes a file that can be run: no process may be born meanwhile that has it open for writing.
func writeWhole(place string, file archive.Entry) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	mode := fs.FileMode(file.Mode)
	return errors.Join(os.WriteFile(place, file.Body, mode), os.Chmod(place, mode))
}

func (s *shelf) makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := s.makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	s.folders = append(s.folders, dir)
	return os.Mkdir(dir, 0o755)
}

// tidy removes the folders that it has made and that nobody needs.
func (s *shelf) tidy() {
	for _, dir := range slices.Backward(s.folders) {
		_ = os.Remove(dir) // which fails as long as something is in it
	}
	s.folders = slices.DeleteFunc(s.folders, func(dir string) bool { _, err := os.Stat(dir); return err != nil })
}

// drop removes a file. One that is gone is no fault.
func (s *shelf) drop(name string) error {
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// changed tells whether a file is there and not as a package has it.
func (s *shelf) changed(file archive.Entry) bool {
	now, err := os.ReadFile(s.path(file.Path))
	return err == nil && !bytes.Equal(now, file.Body)
}

// script runs a script that lies in a file, if there is one, with the router's shell.
func (s *shelf) script(place string, env []string, args ...string) error {
	if _, err := os.Stat(place); err != nil {
		return nil
	}
	cmd := exec.Command("/bin/sh", "-c", place+" "+strings.Join(args, " "))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", place, args, err, out)
	}
	return nil
}

func find(files []archive.Entry, path string) (archive.Entry, bool) {
	i := slices.IndexFunc(files, func(file archive.Entry) bool { return "/"+file.Path == path })
	if i < 0 {
		return archive.Entry{}, false
	}
	return files[i], true
}
