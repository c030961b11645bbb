package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestAnEntryIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := Store{Root: t.TempDir()}
	made := 0
	build := func(folder string) error {
		made++
		return os.WriteFile(filepath.Join(folder, "x"), []byte("text"), 0o644)
	}
	var entries []string
	for _, text := range []string{"a", "a", "b"} {
		entry, err := s.Make("thing", NewKey(text), build)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	if made != 2 || entries[0] != entries[1] || entries[0] == entries[2] {
		t.Errorf("made %d: %q", made, entries)
	}
	if text, err := os.ReadFile(filepath.Join(entries[0], "x")); string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAFailureLeavesNothingThatLooksWhole(t *testing.T) {
	t.Parallel()
	s := Store{Root: t.TempDir()}
	// What a killed run leaves.
	if err := os.MkdirAll(filepath.Join(s.Root, ".unfinished-thing", "old"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := s.Make("thing", NewKey(), func(folder string) error {
		return errors.Join(os.WriteFile(filepath.Join(folder, "half"), nil, 0o644), errors.New("no space"))
	})
	if err == nil || err.Error() != "make thing: no space" {
		t.Fatal(err)
	}
	left, err := os.ReadDir(s.Root)
	if err != nil || len(left) != 1 || left[0].Name() != ".lock-thing" {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestOldEntriesMakeRoom(t *testing.T) {
	t.Parallel()
	s := Store{Root: t.TempDir()}
	for _, name := range []string{"thing", "thing-else"} {
		for i := range kept + 2 {
			if _, err := s.Make(name, NewKey(fmt.Sprint(i)), func(string) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"thing", "thing-else"} {
		if entries, err := s.entries(name); err != nil || len(entries) != kept {
			t.Errorf("%s: %q, %v", name, entries, err)
		}
	}
}

func TestTheKeyKnowsContentsNamesModesAndLinks(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	for what, change := range map[string]func(folder string) error{
		"nothing": func(string) error { return nil },
		"content": func(f string) error { return os.WriteFile(filepath.Join(f, "file"), []byte("b"), 0o644) },
		"mode":    func(f string) error { return os.Chmod(filepath.Join(f, "file"), 0o755) },
		"name":    func(f string) error { return os.Rename(filepath.Join(f, "file"), filepath.Join(f, "other")) },
		"link":    func(f string) error { return os.Symlink("nowhere", filepath.Join(f, "link")) },
	} {
		folder := t.TempDir()
		err := errors.Join(os.WriteFile(filepath.Join(folder, "file"), []byte("a"), 0o644), change(folder))
		text, keyErr := NewKey().Tree(folder).text()
		if err := errors.Join(err, keyErr); err != nil {
			t.Fatal(err)
		}
		if other, ok := keys[text]; ok {
			t.Errorf("%s and %s have one key", what, other)
		}
		keys[text] = what
	}
}
