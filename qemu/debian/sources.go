package debian

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WithSources returns an apt source file that names source packages wherever the given one names binary packages. File is its
// name: .sources has stanzas, anything else has a source on each line.
func WithSources(file, text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		fmt.Fprintln(&out, line)
		if strings.HasSuffix(file, ".sources") {
			continue
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb "); ok {
			fmt.Fprintln(&out, "deb-src "+rest)
		}
	}
	if strings.HasSuffix(file, ".sources") {
		return strings.ReplaceAll(out.String(), "\nTypes: deb\n", "\nTypes: deb deb-src\n")
	}
	return out.String()
}

// copySources writes the machine's own apt sources, with source packages added, into a folder.
func copySources(folder string) error {
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
		return err
	}
	files := []string{"/etc/apt/sources.list"}
	for _, pattern := range []string{"/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.Base(file), ".")
		if name == "sources.list" {
			name = "main.list"
		}
		// A stanza may begin the file: the newline lets it be seen.
		if err := os.WriteFile(filepath.Join(folder, name), []byte(WithSources(name, "\n"+string(text))), 0o644); err != nil {
			return err
		}
	}
	return nil
}
