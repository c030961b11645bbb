package judge

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ipk/archive"
	"ipk/content"
	"ipk/target"
)

// compile compiles a program that prints a version, as go build does for these settings.
func compile(t *testing.T, env ...string) []byte {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"main.go": "package main\n\nfunc main() { println(\"3.0.0\") }\n",
		"go.mod":  "module tiny\n\ngo 1.23.0\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "tiny", ".")
	command.Dir = folder
	command.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOOS=linux"), env...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	body, err := os.ReadFile(filepath.Join(folder, "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func find(t *testing.T, name string) target.Target {
	t.Helper()
	found, err := target.Find([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func TestAProgramOfAnotherProcessorIsRefused(t *testing.T) {
	t.Parallel()
	mips := compile(t, find(t, "mips").Env...)
	for _, test := range []struct{ target, want string }{
		{"mips", ""},
		{"mipsle", `it is for ELFCLASS32, ELFDATA2MSB, EM_MIPS; mipsle is ELFCLASS32, ELFDATA2LSB, EM_MIPS
it was built with GOARCH=mips, not with GOARCH=mipsle`},
		{"mips64", `it is for ELFCLASS32, ELFDATA2MSB, EM_MIPS; mips64 is ELFCLASS64, ELFDATA2MSB, EM_MIPS
it was built with GOARCH=mips, not with GOARCH=mips64
it was built with GOMIPS64=, not with GOMIPS64=softfloat`},
	} {
		if got := text(Program(mips, find(t, test.target))); got != test.want {
			t.Errorf("%s: got %s, want %s", test.target, got, test.want)
		}
	}
}

func TestAProgramThatWantsAFloatingPointUnitIsRefused(t *testing.T) {
	t.Parallel()
	got := text(Program(compile(t, "GOARCH=mips", "GOMIPS=hardfloat"), find(t, "mips")))
	if !strings.HasPrefix(got, "its float ABI is not soft: ") ||
		!strings.HasSuffix(got, "\nit was built with GOMIPS=hardfloat, not with GOMIPS=softfloat") {
		t.Error(got)
	}
	arm5 := compile(t, find(t, "arm5").Env...)
	if err := Program(arm5, find(t, "arm5")); err != nil {
		t.Error(err)
	}
	got = text(Program(arm5, find(t, "arm7")))
	if want := "it was built with GOARM=5, not with GOARM=7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	arm5[0x25] |= armHardFloat >> 8
	got = text(Program(arm5, find(t, "arm5")))
	if want := "it wants ARM's hard float ABI"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// example is a small package that is as it shall be, and what it shall be.
func example(t *testing.T) (archive.Package, Expect) {
	t.Helper()
	scripts, err := content.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	mips := find(t, "mips")
	want := Expect{
		Target: mips, Version: "3.0.0", Control: content.Control("3.0.0", "mips_24kc", time.Unix(0, 0)),
		Files: []archive.Entry{
			{Path: "etc/config/mwan3", Mode: 0o600, Body: []byte("config\n")},
			{Path: "usr/sbin/mwan3", Mode: 0o755, Body: compile(t, mips.Env...)},
		},
	}
	return archive.Package{
		Control: want.Control, Conffiles: content.Conffiles(), Scripts: scripts,
		Files: append([]archive.Entry(nil), want.Files...),
	}, want
}

func TestAPackageThatIsNotAsItShallBeIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*archive.Package, *Expect)
		want  string
	}{
		"nothing": {func(*archive.Package, *Expect) {}, ""},
		"a mode":  {func(p *archive.Package, _ *Expect) { p.Files[0].Mode = 0o644 }, "etc/config/mwan3 has mode 644, not 600"},
		"a body":  {func(p *archive.Package, _ *Expect) { p.Files[0].Body = []byte("CONFIG\n") }, "etc/config/mwan3 has other contents"},
		"a path": {func(p *archive.Package, _ *Expect) { p.Files[0].Path = "etc/mwan3" },
			"etc/mwan3 does not belong there\netc/config/mwan3 is missing"},
		"a conffile": {func(p *archive.Package, _ *Expect) { p.Conffiles = p.Conffiles[:1] },
			`the conffiles are ["/etc/config/mwan3"], not ["/etc/config/mwan3" "/etc/mwan3.user"]`},
		"a script":    {func(p *archive.Package, _ *Expect) { p.Scripts["prerm"] = []byte("#!/bin/sh\n") }, "prerm is not as it shall be"},
		"the version": {func(_ *archive.Package, want *Expect) { want.Version = "9.9.9" }, "usr/sbin/mwan3 does not have the version 9.9.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, want := example(t)
			test.spoil(&p, &want)
			data, err := archive.PackFiles(p.Files, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			file, err := p.Marshal(data, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			if got := text(Package(file, want)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAControlFileThatIsNotAsItShallBeIsRefused(t *testing.T) {
	t.Parallel()
	p, want := example(t)
	want.Control = content.Control("3.0.0", "mips_4kec", time.Unix(0, 0))
	data, err := archive.PackFiles(p.Files, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	file, err := p.Marshal(data, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(Package(file, want)); !strings.Contains(got, "Architecture: mips_24kc") || !strings.Contains(got, "not\nPackage: mwan3") {
		t.Error(got)
	}
}
