// Package judge reads a package as opkg will, but strictly, and says what is wrong with it.
package judge

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"ipk/archive"
	"ipk/content"
	"ipk/target"
)

// Expect is what a package shall be.
type Expect struct {
	Target  target.Target
	Version string          // of mwan3: that of the package without the release
	Control archive.Control // without Installed-Size
	Files   []archive.Entry // without the folders that lead to them
}

// Package checks the bytes of a package file: form, owners, paths, modes, contents, control fields, conffiles, scripts,
// and that the programs run on the target.
func Package(file []byte, want Expect) error {
	p, err := archive.Parse(file)
	if err != nil {
		return err
	}
	scripts, err := content.Scripts()
	if err != nil {
		return err
	}
	errs := []error{control(p, want), files(p.Files, want.Files)}
	if got, want := p.Conffiles, content.Conffiles(); strings.Join(got, " ") != strings.Join(want, " ") {
		errs = append(errs, fmt.Errorf("the conffiles are %q, not %q", got, want))
	}
	if len(p.Scripts) != len(scripts) {
		errs = append(errs, fmt.Errorf("it has %d scripts, not %d", len(p.Scripts), len(scripts)))
	}
	for name, body := range scripts {
		if !bytes.Equal(p.Scripts[name], body) || !bytes.HasPrefix(body, []byte("#!/bin/sh\n")) {
			errs = append(errs, fmt.Errorf("%s is not as it shall be", name))
		}
	}
	return errors.Join(append(errs, programs(p, want))...)
}

func control(p archive.Package, want Expect) error {
	size := 0
	for _, file := range p.Files {
		size += len(file.Body)
	}
	wanted := want.Control.With("Installed-Size", fmt.Sprint(size)).String()
	if got := p.Control.String(); got != wanted {
		return fmt.Errorf("the control file is\n%snot\n%s", got, wanted)
	}
	return nil
}

// files compares what is there with what shall be: every file, and no folder that leads nowhere.
func files(got, want []archive.Entry) error {
	wanted := map[string]archive.Entry{}
	for _, file := range want {
		wanted[file.Path] = file
	}
	var errs []error
	for _, entry := range got {
		if entry.Dir {
			errs = append(errs, folder(entry, want))
			continue
		}
		file, ok := wanted[entry.Path]
		delete(wanted, entry.Path)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s does not belong there", entry.Path))
		case entry.Mode != file.Mode:
			errs = append(errs, fmt.Errorf("%s has mode %o, not %o", entry.Path, entry.Mode, file.Mode))
		case !bytes.Equal(entry.Body, file.Body):
			errs = append(errs, fmt.Errorf("%s has other contents", entry.Path))
		}
	}
	for _, file := range want {
		if _, missing := wanted[file.Path]; missing {
			errs = append(errs, fmt.Errorf("%s is missing", file.Path))
		}
	}
	return errors.Join(errs...)
}

func folder(entry archive.Entry, files []archive.Entry) error {
	if entry.Mode != 0o755 {
		return fmt.Errorf("%s/ has mode %o", entry.Path, entry.Mode)
	}
	for _, file := range files {
		if entry.Path == "" || strings.HasPrefix(file.Path, entry.Path+"/") {
			return nil
		}
	}
	return fmt.Errorf("%s/ does not belong there", entry.Path)
}

func programs(p archive.Package, want Expect) error {
	var errs []error
	for _, entry := range p.Files {
		if entry.Dir || !strings.HasPrefix(entry.Path, "usr/sbin/") {
			continue
		}
		if err := Program(entry.Body, want.Target); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", entry.Path, err))
		}
		if !bytes.Contains(entry.Body, []byte(want.Version)) {
			errs = append(errs, fmt.Errorf("%s does not have the version %s", entry.Path, want.Version))
		}
	}
	return errors.Join(errs...)
}
