package image

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// sysroot is a folder with another machine's files.
type sysroot struct {
	folder  string
	triplet string
}

// resolve follows links as that machine would and returns the path that a file really has there. Debian is on its way from
// /bin to /usr/bin: what is not in one is looked for in the other.
func (s sysroot) resolve(name string) (string, error) {
	for range 10 {
		info, err := os.Lstat(filepath.Join(s.folder, name))
		if os.IsNotExist(err) {
			moved := path.Join("/usr", name)
			if rest, ok := strings.CutPrefix(name, "/usr/"); ok {
				moved = "/" + rest
			}
			if _, other := os.Lstat(filepath.Join(s.folder, moved)); other != nil {
				return "", err
			}
			name = moved
			continue
		}
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			return name, err
		}
		target, err := os.Readlink(filepath.Join(s.folder, name))
		if err != nil {
			return "", err
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		name = target
	}
	return "", fmt.Errorf("%s: too many links", name)
}

// needs returns the files that a program or library is loaded with: the loader and the libraries named in it.
func (s sysroot) needs(name string) ([]string, error) {
	real, err := s.resolve(name)
	if err != nil {
		return nil, err
	}
	file, err := elf.Open(filepath.Join(s.folder, real))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	needs, err := loader(file)
	for _, library := range libraries {
		needs = append(needs, s.library(library))
	}
	return needs, err
}

// library is where the machine's loader finds one.
func (s sysroot) library(name string) string {
	for _, folder := range []string{"/lib/", "/usr/lib/"} {
		full := folder + s.triplet + "/" + name
		if _, err := s.resolve(full); err == nil {
			return full
		}
	}
	return "/lib/" + name
}

func loader(file *elf.File) ([]string, error) {
	for _, part := range file.Progs {
		if part.Type != elf.PT_INTERP {
			continue
		}
		text := make([]byte, part.Filesz)
		if _, err := part.ReadAt(text, 0); err != nil {
			return nil, err
		}
		return []string{string(bytes.TrimRight(text, "\x00"))}, nil
	}
	return nil, nil
}

// closure returns the files of the list with all that they need, each once.
func (s sysroot) closure(names []string) ([]string, error) {
	seen := map[string]bool{}
	var all []string
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		all = append(all, name)
		needs, err := s.needs(name)
		if err != nil {
			return nil, err
		}
		names = append(names, needs...)
	}
	return all, nil
}
