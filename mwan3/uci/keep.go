package uci

import (
	"errors"
	"os"
	"path/filepath"
)

// Below returns the same layers under another root directory.
func (l Layers) Below(root string) Layers {
	return Layers{Files: below(root, l.Files), Deltas: below(root, l.Deltas)}
}

func below(root string, files []string) []string {
	var moved []string
	for _, file := range files {
		moved = append(moved, filepath.Join(root, file))
	}
	return moved
}

// Keep copies the layers below root, so that Load(l.Below(root)) gives later what Load(l) gives now. What was kept there
// before is gone; a copy that fails leaves none, so that nobody takes half a configuration for a whole one.
func (l Layers) Keep(root string) error {
	err := os.RemoveAll(root)
	kept := l.Below(root)
	for i, file := range l.Files {
		err = errors.Join(err, keep(file, kept.Files[i]))
	}
	for i, file := range l.Deltas {
		err = errors.Join(err, keep(file, kept.Deltas[i]))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(root))
	}
	return nil
}

// keep copies a file; one that is not there is no fault. Nobody but root may read what a configuration says.
func keep(file, to string) error {
	text, err := readFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, []byte(text), 0o600)
}
