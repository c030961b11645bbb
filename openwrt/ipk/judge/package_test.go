package judge

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"ipk/archive"
	"ipk/content"
)

// example is a small package for mips that is as it shall be, and what it shall be.
func example(t *testing.T, program []byte) (archive.Package, Expect) {
	t.Helper()
	scripts, err := content.Scripts()
	must(t, err)
	want := Expect{
		Target: find(t, "mips"), Version: "3.0.0", Control: content.Control("3.0.0", "mips_24kc", time.Unix(0, 0)),
		Files: []archive.Entry{
			{Path: "etc/config/mwan3", Mode: 0o600, Body: []byte("config\n")},
			{Path: "usr/sbin/mwan3", Mode: 0o755, Body: program},
		},
	}
	return archive.Package{
		Control: want.Control.With("Version", want.Control.Get("Version")), Conffiles: content.Conffiles(), Scripts: scripts,
		Files: append([]archive.Entry(nil), want.Files...),
	}, want
}

func marshal(t *testing.T, p archive.Package) []byte {
	t.Helper()
	data, err := archive.PackFiles(p.Files, time.Unix(0, 0))
	must(t, err)
	file, err := p.Marshal(data, time.Unix(0, 0))
	must(t, err)
	return file
}

func TestAPackageThatIsNotAsItShallBeIsRefused(t *testing.T) {
	t.Parallel()
	program, little := compile(t, find(t, "mips").Env...), compile(t, find(t, "mipsle").Env...)
	folder := archive.Entry{Path: "etc/mwan3", Dir: true, Mode: 0o755}
	const strange = "#!/bin/sh\nreboot\n"
	for name, test := range map[string]struct {
		spoil func(*archive.Package, *Expect)
		want  string
	}{
		"nothing": {func(*archive.Package, *Expect) {}, ""},
		"a mode":  {func(p *archive.Package, _ *Expect) { p.Files[0].Mode = 0o644 }, "etc/config/mwan3 has mode 644, not 600"},
		"a body":  {func(p *archive.Package, _ *Expect) { p.Files[0].Body = []byte("CONFIG\n") }, "etc/config/mwan3 has other contents"},
		"a path": {func(p *archive.Package, _ *Expect) { p.Files[0].Path = "etc/mwan3" },
			"etc/mwan3 does not belong there\netc/config/mwan3 is missing"},
		"a file too few": {func(_ *archive.Package, want *Expect) {
			want.Files = append(want.Files, archive.Entry{Path: "etc/mwan3.user", Mode: 0o644})
		}, "etc/mwan3.user is missing"},
		"a file too many": {func(_ *archive.Package, want *Expect) { want.Files = want.Files[1:] },
			"etc/ does not belong there\netc/config/ does not belong there\netc/config/mwan3 does not belong there"},
		"an empty folder": {func(p *archive.Package, _ *Expect) { p.Files = append(p.Files, folder) }, "etc/mwan3/ does not belong there"},
		"a folder in place of a file": {func(p *archive.Package, want *Expect) {
			p.Files = append(p.Files, folder)
			want.Files = append(want.Files, archive.Entry{Path: folder.Path, Mode: 0o755})
		}, "etc/mwan3/ does not belong there\netc/mwan3 is missing"},
		"a conffile too few": {func(p *archive.Package, _ *Expect) { p.Conffiles = p.Conffiles[:1] },
			`the conffiles are ["/etc/config/mwan3"], not ["/etc/config/mwan3" "/etc/mwan3.user"]`},
		"no conffiles": {func(p *archive.Package, _ *Expect) { p.Conffiles = nil },
			`the conffiles are [], not ["/etc/config/mwan3" "/etc/mwan3.user"]`},
		"a conffile too many": {func(p *archive.Package, _ *Expect) { p.Conffiles = append(p.Conffiles, "/etc/x") },
			`the conffiles are ["/etc/config/mwan3" "/etc/mwan3.user" "/etc/x"], not ["/etc/config/mwan3" "/etc/mwan3.user"]`},
		"a script":         {func(p *archive.Package, _ *Expect) { p.Scripts["prerm"] = []byte(strange) }, "prerm is not as it shall be"},
		"a script too few": {func(p *archive.Package, _ *Expect) { delete(p.Scripts, "prerm") }, "it has 3 scripts, not 4\nprerm is not as it shall be"},
		"the version":      {func(_ *archive.Package, want *Expect) { want.Version = "9.9.9" }, "usr/sbin/mwan3 does not have the version 9.9.9"},
		"the byte order": {func(p *archive.Package, want *Expect) { p.Files[1].Body, want.Files[1].Body = little, little },
			"usr/sbin/mwan3: it is for ELFCLASS32, ELFDATA2LSB, EM_MIPS; mips is ELFCLASS32, ELFDATA2MSB, EM_MIPS\n" +
				"it was built with GOARCH=mipsle, not with GOARCH=mips"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, want := example(t, program)
			test.spoil(&p, &want)
			if got := text(Package(marshal(t, p), want)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestEveryFieldOfTheControlFileMustBeAsItShallBe(t *testing.T) {
	t.Parallel()
	program := compile(t, find(t, "mips").Env...)
	right, _ := example(t, program)
	data, err := archive.PackFiles(right.Files, time.Unix(0, 0))
	must(t, err)
	for i, field := range right.Control {
		for what, control := range map[string]archive.Control{
			"another": right.Control.With(field.Name, "other"),
			"no":      append(append(archive.Control(nil), right.Control[:i]...), right.Control[i+1:]...),
			"a field before": append(append(append(archive.Control(nil), right.Control[:i]...), archive.Field{Name: "Depends", Value: "libc"}),
				right.Control[i:]...),
		} {
			p, want := example(t, program)
			p.Control = control
			file, err := p.Marshal(data, time.Unix(0, 0))
			must(t, err)
			got := text(Package(file, want))
			if !strings.HasPrefix(got, "the control file is\n") || !strings.Contains(got, "\nnot\nPackage: mwan3\nVersion: 3.0.0-r1\n") {
				t.Errorf("%s %s: got %s", what, field.Name, got)
			}
		}
	}
}

// repack packs a part of a package again, with each header and body as change leaves them.
func repack(t *testing.T, packed []byte, change func(header *tar.Header, body []byte) []byte) []byte {
	t.Helper()
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	must(t, err)
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	from, to := tar.NewReader(unzip), tar.NewWriter(zip)
	for {
		header, err := from.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		body, err := io.ReadAll(from)
		must(t, err)
		body = change(header, body)
		header.Size = int64(len(body))
		must(t, to.WriteHeader(header))
		_, err = to.Write(body)
		must(t, err)
	}
	must(t, to.Close())
	must(t, zip.Close())
	return out.Bytes()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What a builder never writes is refused all the same.
func TestAPackageThatWasPackedByOthersIsReadAsStrictly(t *testing.T) {
	t.Parallel()
	program := compile(t, find(t, "mips").Env...)
	const config, script = "./etc/config/mwan3", "./postinst"
	for name, test := range map[string]struct {
		part, entry string
		spoil       func(header *tar.Header, body []byte) []byte
		want        string
	}{
		"an owner":         {"data", config, func(h *tar.Header, b []byte) []byte { h.Uid = 1000; return b }, `data.tar.gz: "./etc/config/mwan3": it belongs to 1000:0 :`},
		"a group":          {"data", config, func(h *tar.Header, b []byte) []byte { h.Gid = 1000; return b }, `data.tar.gz: "./etc/config/mwan3": it belongs to 0:1000 :`},
		"a named owner":    {"data", config, func(h *tar.Header, b []byte) []byte { h.Uname = "root"; return b }, `data.tar.gz: "./etc/config/mwan3": it belongs to 0:0 root:`},
		"a named group":    {"data", config, func(h *tar.Header, b []byte) []byte { h.Gname = "root"; return b }, `data.tar.gz: "./etc/config/mwan3": it belongs to 0:0 :root`},
		"a folder's owner": {"data", "./etc/", func(h *tar.Header, b []byte) []byte { h.Uid = 1; return b }, `data.tar.gz: "./etc/": it belongs to 1:0 :`},
		"a folder's mode":  {"data", "./etc/", func(h *tar.Header, b []byte) []byte { h.Mode = 0o777; return b }, "etc/ has mode 777"},
		"a script's mode":  {"control", script, func(h *tar.Header, b []byte) []byte { h.Mode = 0o644; return b }, "control.tar.gz: postinst cannot be run, its mode is 644"},
		"a script's owner": {"control", script, func(h *tar.Header, b []byte) []byte { h.Gid = 1; return b }, `control.tar.gz: "./postinst": it belongs to 0:1 :`},
		"another size": {"control", "./control", func(_ *tar.Header, b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("Installed-Size: "), []byte("Installed-Size: 1"))
		}, "the control file is"},
	} {
		p, want := example(t, program)
		file := repack(t, marshal(t, p), func(part *tar.Header, packed []byte) []byte {
			if part.Name != "./"+test.part+".tar.gz" {
				return packed
			}
			return repack(t, packed, func(header *tar.Header, body []byte) []byte {
				if header.Name != test.entry {
					return body
				}
				return test.spoil(header, body)
			})
		})
		got, _, _ := strings.Cut(text(Package(file, want)), "\n")
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
