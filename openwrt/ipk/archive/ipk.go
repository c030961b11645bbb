// Package archive writes and reads packages for opkg, and the index of a folder of them. An .ipk is a gzip'ed tar of three:
// debian-binary, data.tar.gz with the files, control.tar.gz with what opkg knows about them and the scripts that it runs.
//
// nfpm (v2.48.0) writes .ipk as well, but leaves out the entry of the root folder, gives Installed-Size in KiB where opkg
// reads bytes, and sets the fields in an order of its own. What it would save is less than this package has lines.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const format = "2.0\n" // debian-binary

// Package is one package for opkg.
type Package struct {
	Control   Control
	Conffiles []string          // paths with a leading slash that an upgrade keeps when the user has changed them
	Scripts   map[string][]byte // by name: preinst, postinst, prerm, postrm
	Files     []Entry           // without the folders that lead to them when written; with them when read
}

// Data is the packed files of a package. Packages for several architectures can share it.
type Data struct {
	packed []byte
	size   int // unpacked
}

// PackFiles packs the files of a package.
func PackFiles(files []Entry, when time.Time) (Data, error) {
	packed, err := pack(Folders(files), when)
	if err != nil {
		return Data{}, err
	}
	size := 0
	for _, file := range files {
		size += len(file.Body)
	}
	return Data{packed, size}, nil
}

// Marshal returns the bytes of the package file. Files is not looked at, data comes instead. Installed-Size, in bytes, is
// added to the control file.
func (p Package) Marshal(data Data, when time.Time) ([]byte, error) {
	about := p.Control.With("Installed-Size", strconv.Itoa(data.size))
	entries := []Entry{{Path: "control", Mode: 0o644, Body: []byte(about.String())}}
	if len(p.Conffiles) > 0 {
		list := strings.Join(p.Conffiles, "\n") + "\n"
		entries = append(entries, Entry{Path: "conffiles", Mode: 0o644, Body: []byte(list)})
	}
	for name, script := range p.Scripts {
		entries = append(entries, Entry{Path: name, Mode: 0o755, Body: script})
	}
	control, err := pack(Folders(entries), when)
	if err != nil {
		return nil, err
	}
	return pack([]Entry{
		{Path: "debian-binary", Mode: 0o644, Body: []byte(format)},
		{Path: "data.tar.gz", Mode: 0o644, Body: data.packed},
		{Path: "control.tar.gz", Mode: 0o644, Body: control},
	}, when)
}

// Parse reads the bytes of a package file, strictly: what opkg would forgive is an error too.
func Parse(file []byte) (Package, error) {
	parts, err := outer(file)
	if err != nil {
		return Package{}, err
	}
	var p Package
	if p.Files, err = unpack(parts["data.tar.gz"], map[string]bool{}); err != nil {
		return Package{}, fmt.Errorf("data.tar.gz: %w", err)
	}
	entries, err := unpack(parts["control.tar.gz"], map[string]bool{})
	if err != nil {
		return Package{}, fmt.Errorf("control.tar.gz: %w", err)
	}
	if err := p.readControl(entries); err != nil {
		return Package{}, fmt.Errorf("control.tar.gz: %w", err)
	}
	return p, nil
}

// outer reads the three parts. Their folder has no entry of its own.
func outer(file []byte) (map[string][]byte, error) {
	rooted, err := unpack(file, map[string]bool{"/": true})
	if err != nil {
		return nil, err
	}
	var names []string
	parts := map[string][]byte{}
	for _, entry := range rooted {
		names = append(names, entry.Path)
		parts[entry.Path] = entry.Body
	}
	if got, want := strings.Join(names, " "), "debian-binary data.tar.gz control.tar.gz"; got != want {
		return nil, fmt.Errorf("the package consists of %s, not of %s", got, want)
	}
	if !bytes.Equal(parts["debian-binary"], []byte(format)) {
		return nil, fmt.Errorf("debian-binary is %q", parts["debian-binary"])
	}
	return parts, nil
}

func (p *Package) readControl(entries []Entry) error {
	p.Scripts = map[string][]byte{}
	var err error
	for _, entry := range entries {
		switch entry.Path {
		case "":
			continue
		case "control":
			if p.Control, err = ParseControl(string(entry.Body)); err != nil {
				return err
			}
		case "conffiles":
			p.Conffiles = strings.Split(strings.TrimSuffix(string(entry.Body), "\n"), "\n")
		case "preinst", "postinst", "prerm", "postrm":
			if entry.Mode != 0o755 {
				return fmt.Errorf("%s cannot be run, its mode is %o", entry.Path, entry.Mode)
			}
			p.Scripts[entry.Path] = entry.Body
		default:
			return fmt.Errorf("opkg has no use for %s", entry.Path)
		}
	}
	if p.Control == nil {
		return errors.New("there is no control file")
	}
	return nil
}
