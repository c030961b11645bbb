package image

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ours are the files that make a router of the programs.
//
//go:embed all:root
var ours embed.FS

// writeOurs writes them into a folder. What is in libexec and bin is run.
func writeOurs(folder string) error {
	return fs.WalkDir(ours, "root", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(folder, strings.TrimPrefix(path, "root"))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := ours.ReadFile(path)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.Contains(path, "/libexec/") || strings.Contains(path, "/bin/") {
			mode = 0o755
		}
		return os.WriteFile(to, text, mode)
	})
}

// copyFile copies a file with its mode and time (make looks at that), and makes the folders above. What is there is replaced, not written into: it may be a link.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := makeWay(to); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), os.Chmod(to, info.Mode()), os.Chtimes(to, info.ModTime(), info.ModTime()))
}

// copyTree copies a file or a folder; links stay links.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case entry.Type() == fs.ModeSymlink:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return symlink(link, target)
		}
		return copyFile(path, target)
	})
}

func symlink(link, name string) error {
	if err := makeWay(name); err != nil {
		return err
	}
	return os.Symlink(link, name)
}

// makeWay makes the folder of a file, and removes what has its name.
func makeWay(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
