// Package apk writes packages for apk of version 3, which OpenWrt has from 25.12 on. The file is unsigned: apk add wants
// --allow-untrusted for it, as for every package that somebody has built alone.
//
// The format is described in apk-v3(5): a database of what the package is and has, then the contents of the files. nfpm
// (v2.48.0) writes version 2 of it.
package apk

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"time"

	"ipk/archive"
)

// Package is one package for apk.
type Package struct {
	Name         string
	Version      string // numbers and dots, and -r and the release
	Architecture string
	License      string
	Origin       string
	Description  string
	Scripts      Scripts
	Files        []archive.Entry // with the folders that lead to them, a folder before what it has, as archive.Folders returns them
}

// Scripts are run around installs and removals.
type Scripts struct {
	PreInstall, PostInstall, PreDeinstall, PostDeinstall, PreUpgrade, PostUpgrade []byte
}

// identity is the size of what tells builds of a package apart: the beginning of a sum over the database.
const identity = 20

// Marshal returns the bytes of the package file.
func (p Package) Marshal(when time.Time) ([]byte, error) {
	plain, err := p.plain(when)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	packed.WriteString("ADBd") // deflated
	zip, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = zip.Write(plain)
	if err := errors.Join(err, zip.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// plain returns the file before it is compressed.
func (p Package) plain(when time.Time) ([]byte, error) {
	folders, err := p.folders()
	if err != nil {
		return nil, err
	}
	file := appendBlock([]byte("ADB.pckg"), blockDatabase, p.database(folders, uint32(when.Unix())))
	for i, folder := range folders {
		for j, entry := range folder.files {
			if len(entry.Body) == 0 {
				continue
			}
			place := binary.LittleEndian.AppendUint32(nil, uint32(i+1))
			place = binary.LittleEndian.AppendUint32(place, uint32(j+1))
			file = appendBlock(file, blockData, place, entry.Body)
		}
	}
	return file, nil
}

// folder is a folder with the files that lie in it, sorted by name.
type folder struct {
	archive.Entry
	files []archive.Entry
}

func (p Package) folders() ([]folder, error) {
	var found []folder
	known := map[string]int{}
	for _, entry := range p.Files {
		if entry.Dir {
			known[entry.Path] = len(found)
			found = append(found, folder{Entry: entry})
			continue
		}
		dir, base := path.Split(entry.Path)
		i, ok := known[path.Clean("/" + dir)[1:]]
		if !ok {
			return nil, fmt.Errorf("pack %s: before its folder", entry.Path)
		}
		entry.Path = base
		found[i].files = append(found[i].files, entry)
	}
	return found, nil
}

// database writes all but the contents of the files. The identity is a sum over what is there while its own place holds
// zeros.
func (p Package) database(folders []folder, when uint32) []byte {
	d := newDatabase()
	size := uint32(0)
	var paths []value
	for _, folder := range folders {
		var files []value
		for _, file := range folder.files {
			sum := sha256.Sum256(file.Body)
			size += uint32(len(file.Body))
			files = append(files, d.object(d.text(file.Path), d.access(file.Mode),
				d.number(uint32(len(file.Body))), d.number(when), d.blob(sum[:])))
		}
		paths = append(paths, d.object(d.text(folder.Path), d.access(folder.Mode), d.array(files)))
	}
	own := d.blob(make([]byte, identity))
	const unused = 0 // maintainer, url, commit, time of the build
	info := d.object(d.text(p.Name), d.text(p.Version), own, d.text(p.Description), d.text(p.Architecture),
		d.text(p.License), d.text(p.Origin), unused, unused, unused, unused, d.number(max(1, size)))
	d.root(d.object(info, d.array(paths), d.scripts(p.Scripts)))
	sum := sha256.Sum256(d.bytes)
	copy(d.at(own), sum[:])
	return d.bytes
}

// access writes who may do what: everything is root's.
func (d *database) access(mode int64) value {
	return d.object(d.number(uint32(mode)), d.text("root"), d.text("root"))
}

func (d *database) scripts(s Scripts) value {
	const trigger = 0
	return d.object(trigger, d.blob(s.PreInstall), d.blob(s.PostInstall), d.blob(s.PreDeinstall), d.blob(s.PostDeinstall),
		d.blob(s.PreUpgrade), d.blob(s.PostUpgrade))
}
