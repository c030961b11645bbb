// Package content knows what is in the package mwan3: which files with which modes, what opkg is told about it, and the
// scripts around install and removal.
package content

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ipk/archive"
)

// Programs are what is compiled, and lands in /usr/sbin.
var programs = []string{"mwan3", "mwan3rtmon", "mwan3track"}

// Programs returns the names of the three programs.
func Programs() []string { return append([]string(nil), programs...) }

// Conffiles are the user's: an upgrade keeps them when they have been changed.
func Conffiles() []string { return []string{"/etc/config/mwan3", "/etc/mwan3.user"} }

// placed are the modes of what lands on the router, by path or, with a slash at the end, by folder.
var placed = []struct {
	path string
	mode int64
}{
	{"etc/config/", 0o600},
	{"etc/hotplug.d/", 0o644}, // sourced
	{"etc/init.d/", 0o755},
	{"etc/mwan3.user", 0o755},
	{"etc/uci-defaults/", 0o644}, // sourced once
	{"lib/mwan3/", 0o644},        // sourced by other people's scripts
	{"lib/upgrade/keep.d/", 0o644},
	{"usr/libexec/rpcd/", 0o755},
	{"usr/share/rpcd/ucode/", 0o644},
	{"usr/sbin/", 0o755},
}

// expected are the files that other programs and users rely on, besides the programs.
var expected = []string{
	"etc/config/mwan3",
	"etc/hotplug.d/iface/15-mwan3",
	"etc/hotplug.d/iface/16-mwan3-user",
	"etc/init.d/mwan3",
	"etc/mwan3.user",
	"etc/uci-defaults/mwan3-migrate-flush_conntrack",
	"lib/mwan3/common.sh",
	"lib/mwan3/mwan3.sh",
}

// Files reads the package's files: those under root where they land on the router, and the programs of a folder. Their
// modes are those that they shall have, whatever they have in the source tree.
func Files(root, programFolder string) ([]archive.Entry, error) {
	entries, err := readTree(root)
	if err != nil {
		return nil, err
	}
	for _, name := range programs {
		body, err := os.ReadFile(filepath.Join(programFolder, name))
		if err != nil {
			return nil, fmt.Errorf("a program is not built: %w", err)
		}
		entries = append(entries, archive.Entry{Path: "usr/sbin/" + name, Mode: 0o755, Body: body})
	}
	return entries, complete(entries)
}

func readTree(root string) ([]archive.Entry, error) {
	var entries []archive.Entry
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		mode, err := Mode(path)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		body, err := os.ReadFile(name)
		entries = append(entries, archive.Entry{Path: path, Mode: mode, Body: body})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what lands on the router: %w", err)
	}
	return entries, nil
}

// Mode returns the mode that a file has on the router. A path of which that is not known is an error: it would be a file
// that nobody meant to ship.
func Mode(path string) (int64, error) {
	for _, known := range placed {
		if path == known.path || (strings.HasSuffix(known.path, "/") && strings.HasPrefix(path, known.path)) {
			return known.mode, nil
		}
	}
	return 0, fmt.Errorf("%s: nobody has said which mode it has on the router", path)
}

// complete checks that everything is there that others rely on.
func complete(entries []archive.Entry) error {
	there := map[string]bool{}
	for _, entry := range entries {
		there[entry.Path] = true
	}
	var missing []string
	for _, path := range expected {
		if !there[path] {
			missing = append(missing, path)
		}
	}
	if !there["usr/libexec/rpcd/mwan3"] && !there["usr/share/rpcd/ucode/mwan3"] {
		missing = append(missing, "a plugin for rpcd")
	}
	if len(missing) > 0 {
		return fmt.Errorf("missing in the package: %s", strings.Join(missing, ", "))
	}
	return nil
}
