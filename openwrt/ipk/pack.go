package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ipk/archive"
	"ipk/content"
	"ipk/judge"
	"ipk/target"
)

// pack writes a folder for each architecture, as OpenWrt's own server has it: the package, the index that opkg update reads,
// and the package for apk.
func (o options) pack() error {
	scripts, err := content.Scripts()
	if err != nil {
		return err
	}
	for _, t := range o.targets {
		files, err := content.Files(filepath.Join(o.root, "openwrt", "files"), filepath.Join(o.programs, t.Name))
		if err != nil {
			return err
		}
		data, err := archive.PackFiles(files, o.when())
		if err != nil {
			return err
		}
		for _, architecture := range t.Architectures {
			p := archive.Package{
				Control:   content.Control(o.version, architecture, o.when()),
				Conffiles: content.Conffiles(), Scripts: scripts, Files: files,
			}
			if err := o.write(p, data, t); err != nil {
				return fmt.Errorf("pack for %s: %w", architecture, err)
			}
		}
	}
	return nil
}

// write writes one package and its index, and judges what lies on the disk then.
func (o options) write(p archive.Package, data archive.Data, t target.Target) error {
	file, err := p.Marshal(data, o.when())
	if err != nil {
		return err
	}
	architecture := p.Control.Get("Architecture")
	folder := filepath.Join(o.out, architecture)
	name := fmt.Sprintf("mwan3_%s_%s.ipk", p.Control.Get("Version"), architecture)
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, name), file, 0o644); err != nil {
		return err
	}
	if err := errors.Join(index(folder, archive.Listed{Name: name, File: file}), o.writeApk(p, folder)); err != nil {
		return err
	}
	written, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	if err := judge.Package(written, judge.Expect{Target: t, Version: o.version, Control: p.Control, Files: p.Files}); err != nil {
		return err
	}
	fmt.Printf("%5d KiB  %s\n", (len(file)+1023)/1024, filepath.Join(folder, name))
	return nil
}

// writeApk writes the package for apk beside the one for opkg.
func (o options) writeApk(p archive.Package, folder string) error {
	made, err := content.Apk(p.Control, p.Files)
	if err != nil {
		return err
	}
	file, err := made.Marshal(o.when())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, made.Name+"-"+made.Version+".apk"), file, 0o644)
}

func index(folder string, file archive.Listed) error {
	text, err := archive.Index([]archive.Listed{file})
	if err != nil {
		return err
	}
	packed, err := archive.Compress(text)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "Packages"), text, 0o644),
		os.WriteFile(filepath.Join(folder, "Packages.gz"), packed, 0o644),
	)
}
