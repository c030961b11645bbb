package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
)

// Entry is a file or a folder in a package.
type Entry struct {
	Path string // on the router, without the leading slash: etc/config/mwan3
	Mode int64  // permission bits
	Dir  bool
	Body []byte
}

// Folders returns the entries with all folders that lead to them, mode 0755, sorted by path. The root is the entry with
// an empty path.
func Folders(entries []Entry) []Entry {
	all := []Entry{{Mode: 0o755, Dir: true}}
	known := map[string]bool{}
	for _, entry := range entries {
		for i, char := range entry.Path {
			if dir := entry.Path[:i]; char == '/' && !known[dir] {
				known[dir] = true
				all = append(all, Entry{Path: dir, Mode: 0o755, Dir: true})
			}
		}
	}
	all = append(all, entries...)
	sort.Slice(all, func(i, j int) bool { return all[i].Path < all[j].Path })
	return all
}

// pack writes a gzip'ed tar as OpenWrt's own packages have them: GNU format, everything root's, names that begin with ./
// The result depends on nothing but the arguments.
func pack(entries []Entry, when time.Time) ([]byte, error) {
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(zip)
	for _, entry := range entries {
		if err := write(archive, entry, when); err != nil {
			return nil, fmt.Errorf("pack %s: %w", entry.Path, err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func write(archive *tar.Writer, entry Entry, when time.Time) error {
	header := tar.Header{
		Typeflag: tar.TypeReg, Name: "./" + entry.Path, Mode: entry.Mode, Size: int64(len(entry.Body)),
		ModTime: when, Format: tar.FormatGNU,
	}
	if entry.Dir {
		header.Typeflag, header.Name = tar.TypeDir, strings.TrimSuffix(header.Name, "/")+"/"
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := archive.Write(entry.Body)
	return err
}

// unpack reads what pack writes and refuses everything else: another format, another owner, links, a path that leads out
// of the root or stands there twice, a file before its folder. A folder is known as its path and a slash.
func unpack(packed []byte, known map[string]bool) ([]Entry, error) {
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(zip)
	var entries []Entry
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		entry, err := read(header, archive)
		if err == nil {
			err = accept(entry, known)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", header.Name, err)
		}
		entries = append(entries, entry)
	}
}

func read(header *tar.Header, from io.Reader) (Entry, error) {
	path, ok := strings.CutPrefix(header.Name, "./")
	entry := Entry{Path: strings.TrimSuffix(path, "/"), Mode: header.Mode, Dir: header.Typeflag == tar.TypeDir}
	switch {
	case !ok:
		return entry, errors.New("the name does not begin with ./")
	case header.Format != tar.FormatGNU:
		return entry, fmt.Errorf("the format is %v", header.Format)
	case header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "":
		return entry, fmt.Errorf("it belongs to %d:%d %s:%s", header.Uid, header.Gid, header.Uname, header.Gname)
	case !entry.Dir && header.Typeflag != tar.TypeReg:
		return entry, fmt.Errorf("the type is %q", header.Typeflag)
	case entry.Mode&^0o777 != 0:
		return entry, fmt.Errorf("the mode is %o", entry.Mode)
	}
	body, err := io.ReadAll(from)
	if !entry.Dir {
		entry.Body = body
	}
	return entry, err
}

// accept checks an entry against those before it.
func accept(entry Entry, known map[string]bool) error {
	for _, part := range strings.Split(entry.Path, "/") {
		if part == ".." || part == "." || (part == "" && entry.Path != "") {
			return errors.New("the path is not clean")
		}
	}
	if known[entry.Path] {
		return errors.New("stands there twice")
	}
	parent := entry.Path[:max(0, strings.LastIndexByte(entry.Path, '/'))]
	if entry.Path != "" && !known[parent+"/"] {
		return errors.New("stands there before its folder")
	}
	known[entry.Path] = true
	if entry.Dir {
		known[entry.Path+"/"] = true
	}
	return nil
}
