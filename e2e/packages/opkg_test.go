package packages

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"ipk/archive"
)

// opkg does what OpenWrt's does up to 24.10 (opkg_install.c, opkg_remove.c).
type opkg struct {
	shelf
	env       []string // of the scripts, besides opkg's own
	installed *parcel
	kept      map[string][]byte // conffiles that the user has changed, while a package is replaced
}

const opkgInfo = "usr/lib/opkg/info/mwan3."

func (o *opkg) install(p parcel, cut string) error {
	unpacked, err := os.MkdirTemp("", "opkg-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unpacked)
	for name, body := range p.scripts {
		if err := writeWhole(filepath.Join(unpacked, name), archive.Entry{Mode: 0o755, Body: body}); err != nil {
			return err
		}
	}
	return carryOut(o.steps(p, unpacked), cut)
}

// steps are opkg's: the old package's files go before the new one's come.
func (o *opkg) steps(p parcel, unpacked string) []step {
	old, run, args := o.installed, o.runner("0"), []string{"install"}
	steps := []step{
		{"preinst", func() error { return o.script(filepath.Join(unpacked, "preinst"), run.env, args...) }},
		{"keep", func() error { return o.keep(p, old) }},
	}
	if old != nil {
		run, args = o.runner("1"), []string{"upgrade", old.version}
		steps = []step{
			{"prerm", func() error { return run.do("prerm", "upgrade", p.version) }},
			steps[0], steps[1],
			{"postrm", func() error { return run.do("postrm", "upgrade", p.version) }},
			{"clear", func() error { return o.clear(*old) }},
		}
	}
	return append(steps,
		step{"unpack", func() error { return o.unpack(p) }},
		step{"conffiles", func() error { return o.settle(p) }},
		step{"postinst", func() error { return run.do("postinst", "configure") }})
}

// runner runs scripts of the installed package.
type runner struct {
	o   *opkg
	env []string
}

func (o *opkg) runner(upgrade string) runner {
	return runner{o, append([]string{"PKG_ROOT=" + strings.TrimSuffix(o.root, "/") + "/", "PKG_UPGRADE=" + upgrade}, o.env...)}
}

func (r runner) do(name string, args ...string) error {
	return r.o.script(r.o.path(opkgInfo+name), r.env, args...)
}

// keep remembers the conffiles that are not as the package has them that brought them.
func (o *opkg) keep(p parcel, old *parcel) error {
	o.kept = map[string][]byte{}
	for _, path := range p.conffiles {
		if old != nil {
			if file, ok := find(old.files, path); ok && !o.changed(file) {
				continue
			}
		}
		body, err := os.ReadFile(o.path(path))
		switch {
		case err == nil:
			o.kept[path] = body
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

// clear removes the old package.
func (o *opkg) clear(old parcel) error {
	if err := o.dropFiles(old); err != nil {
		return err
	}
	return o.forget()
}

// forget removes what opkg knows about the package.
func (o *opkg) forget() error {
	known, err := filepath.Glob(o.path(opkgInfo + "*"))
	for _, file := range known {
		err = os.Remove(file)
	}
	return err
}

func (o *opkg) unpack(p parcel) error {
	var list strings.Builder
	for _, file := range p.files {
		list.WriteString("/" + file.Path + "\n")
	}
	know := map[string][]byte{"list": []byte(list.String()), "conffiles": []byte(strings.Join(p.conffiles, "\n") + "\n")}
	for name, body := range know {
		if err := o.put(opkgInfo+name, archive.Entry{Mode: 0o644, Body: body}); err != nil {
			return err
		}
	}
	for name, body := range p.scripts {
		if err := o.put(opkgInfo+name, archive.Entry{Mode: 0o755, Body: body}); err != nil {
			return err
		}
	}
	for _, file := range p.files {
		if err := o.put(file.Path, file); err != nil {
			return err
		}
	}
	o.installed = &p
	return nil
}

// settle puts the user's conffiles back, and the new package's beside them.
func (o *opkg) settle(p parcel) error {
	for path, mine := range o.kept {
		file, ok := find(p.files, path)
		if !ok || string(file.Body) == string(mine) {
			continue
		}
		if err := o.put(path+"-opkg", file); err != nil {
			return err
		}
		if err := o.put(path, archive.Entry{Mode: file.Mode, Body: mine}); err != nil {
			return err
		}
	}
	o.kept = nil
	return nil
}

func (o *opkg) remove() error {
	run, old := o.runner("0"), *o.installed
	defer o.tidy()
	return carryOut([]step{
		{"prerm", func() error { return run.do("prerm", "remove") }},
		{"keep", func() error { return o.keep(old, &old) }},
		{"files", func() error { return o.removeFiles(old) }},
		{"postrm", func() error { return run.do("postrm", "remove") }},
		{"forget", o.forget},
	}, "")
}

func (o *opkg) removeFiles(old parcel) error {
	o.installed = nil
	defer func() { o.kept = nil }()
	return o.dropFiles(old)
}

// dropFiles removes what the package has, but for the conffiles that the user has changed.
func (o *opkg) dropFiles(old parcel) error {
	for _, file := range old.files {
		if _, kept := o.kept["/"+file.Path]; kept {
			continue
		}
		if err := o.drop(file.Path); err != nil {
			return err
		}
	}
	return nil
}
