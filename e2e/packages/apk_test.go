package packages

import (
	"os"
	"path/filepath"
	"strings"

	"ipk/archive"
)

// apk does what OpenWrt's does from 25.12 on: of an upgrade only the new package's scripts know, and each file is
// replaced at its place.
type apkTool struct {
	shelf
	env       []string // of the scripts, besides apk's own
	installed *parcel
}

func (a *apkTool) install(p parcel, cut string) error {
	before, after, args := p.apk.PreInstall, p.apk.PostInstall, []string{p.version}
	if old := a.installed; old != nil {
		before, after, args = p.apk.PreUpgrade, p.apk.PostUpgrade, append(args, old.version)
	}
	return carryOut([]step{
		{"before", func() error { return a.hand(before, args...) }},
		{"half", func() error { return a.unpack(p, len(p.apkFiles)/2) }},
		{"unpack", func() error { return a.unpack(p, len(p.apkFiles)) }},
		{"clear", func() error { return a.clear(p) }},
		{"after", func() error { return a.hand(after, args...) }},
	}, cut)
}

// hand runs a script of the package.
func (a *apkTool) hand(script []byte, args ...string) error {
	if len(script) == 0 {
		return nil
	}
	dir, err := os.MkdirTemp("", "apk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	place := filepath.Join(dir, "script")
	if err := writeWhole(place, archive.Entry{Mode: 0o755, Body: script}); err != nil {
		return err
	}
	return a.script(place, a.env, args...)
}

// unpack puts the first files of a package in place. What the user has changed below /etc stays.
func (a *apkTool) unpack(p parcel, count int) error {
	for _, file := range p.apkFiles[:count] {
		name := file.Path
		if a.isUsers(file.Path) && a.changed(file) {
			name += ".apk-new"
		}
		if err := a.put(name, file); err != nil {
			return err
		}
	}
	return nil
}

// isUsers tells whether a file that was installed is not as it was.
func (a *apkTool) isUsers(path string) bool {
	if !strings.HasPrefix(path, "etc/") {
		return false
	}
	if a.installed == nil {
		_, err := os.Stat(a.path(path))
		return err == nil
	}
	was, ok := find(a.installed.apkFiles, "/"+path)
	return ok && a.changed(was)
}

// clear removes what only the old package had.
func (a *apkTool) clear(p parcel) error {
	old := a.installed
	a.installed = &p
	if old == nil {
		return nil
	}
	for _, file := range old.apkFiles {
		if _, still := find(p.apkFiles, "/"+file.Path); !still {
			if err := a.drop(file.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *apkTool) remove() error {
	old := *a.installed
	defer a.tidy()
	return carryOut([]step{
		{"before", func() error { return a.hand(old.apk.PreDeinstall, old.version) }},
		{"files", func() error { return a.removeFiles(old) }},
		{"after", func() error { return a.hand(old.apk.PostDeinstall, old.version) }},
	}, "")
}

func (a *apkTool) removeFiles(old parcel) error {
	for _, file := range old.apkFiles {
		if a.isUsers(file.Path) {
			continue
		}
		if err := a.drop(file.Path); err != nil {
			return err
		}
	}
	a.installed = nil
	return nil
}
