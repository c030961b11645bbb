package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Key collects what goes into an entry. Two entries with the same key are the same.
type Key struct {
	sum hash.Hash
	err error
}

// NewKey returns a key with these texts in it.
func NewKey(texts ...string) *Key {
	k := &Key{sum: sha256.New()}
	for _, text := range texts {
		k.add(text)
	}
	return k
}

// Text adds a text.
func (k *Key) Text(text string) *Key {
	k.add(text)
	return k
}

// add keeps texts apart: "ab", "c" is not "a", "bc".
func (k *Key) add(text string) { fmt.Fprintf(k.sum, "%d:%s", len(text), text) }

// Tree adds all that is below a folder: names, modes and contents, but no times. An error shows when the key is used.
func (k *Key) Tree(folder string) *Key {
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return k.node(folder, path, entry)
	})
	if err != nil && k.err == nil {
		k.err = err
	}
	return k
}

func (k *Key) node(folder, path string, entry fs.DirEntry) error {
	name, err := filepath.Rel(folder, path)
	if err != nil {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	k.add(name)
	k.add(info.Mode().String())
	switch {
	case entry.Type() == fs.ModeSymlink:
		target, err := os.Readlink(path)
		k.add(target)
		return err
	case entry.Type().IsRegular():
		return k.content(path)
	}
	return nil
}

func (k *Key) content(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	k.add(string(sum.Sum(nil)))
	return nil
}

// text is the key as it stands in a folder's name.
func (k *Key) text() (string, error) {
	return hex.EncodeToString(k.sum.Sum(nil)[:8]), k.err
}

// FS adds all files of a file system, as Tree does.
func (k *Key) FS(files fs.FS) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		k.add(path)
		k.add(string(text))
		return err
	})
}
