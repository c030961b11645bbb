// Package store keeps what takes long to make (downloads, kernels, images) in folders that are named after what went in.
// What is there is whole: an entry is made under another name and renamed, so a run that was killed leaves none behind
// that anybody would use. Several processes may share a store.
package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Store is a folder of entries.
type Store struct {
	Root string
	// Say hears what is being made, and how long it took; nil: nobody does.
	Say func(text string)
}

// Make returns the folder of the entry with this name and key; build makes it, in the folder that it is given, if there is none.
// Another process that makes the same entry is waited for.
func (s Store) Make(name string, key *Key, build func(folder string) error) (string, error) {
	text, err := key.text()
	if err != nil {
		return "", fmt.Errorf("key of %s: %w", name, err)
	}
	root, err := filepath.Abs(s.Root)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	entry := filepath.Join(root, name+"-"+text)
	unlock, err := lock(filepath.Join(root, ".lock-"+name))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(entry); err == nil {
		return entry, os.Chtimes(entry, time.Now(), time.Now())
	}
	return entry, s.build(name, entry, build)
}

// build makes an entry. Its caller holds the lock of the name, so a folder that another run left unfinished is nobody's.
func (s Store) build(name, entry string, build func(folder string) error) error {
	unfinished := filepath.Join(filepath.Dir(entry), ".unfinished-"+name)
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Mkdir(unfinished, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	s.say("making " + name)
	began := time.Now()
	if err := build(unfinished); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	s.say(fmt.Sprintf("made %s in %.1f s", name, time.Since(began).Seconds()))
	if err := os.Rename(unfinished, entry); err != nil {
		return err
	}
	return s.prune(name)
}

// kept is how many entries of a name are kept: each takes tens of MB, and some change with every build of a caller's programs.
const kept = 3

// prune removes the entries of this name but those that were used last.
func (s Store) prune(name string) error {
	entries, err := s.entries(name)
	if err != nil {
		return err
	}
	for _, entry := range entries[min(kept, len(entries)):] {
		if err := os.RemoveAll(entry); err != nil {
			return err
		}
	}
	return nil
}

// entries lists those of a name, the last used first.
func (s Store) entries(name string) ([]string, error) {
	found, err := os.ReadDir(s.Root)
	if err != nil {
		return nil, err
	}
	used := map[string]time.Time{}
	var entries []string
	for _, entry := range found {
		key, ok := strings.CutPrefix(entry.Name(), name+"-")
		info, err := entry.Info()
		if !ok || strings.Contains(key, "-") || err != nil {
			continue
		}
		path := filepath.Join(s.Root, entry.Name())
		entries = append(entries, path)
		used[path] = info.ModTime()
	}
	slices.SortFunc(entries, func(a, b string) int { return used[b].Compare(used[a]) })
	return entries, nil
}

func (s Store) say(text string) {
	if s.Say != nil {
		s.Say(text)
	}
}

// lock waits for the exclusive lock on a file. The kernel gives it back when a process dies.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if err != unix.EINTR {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}
