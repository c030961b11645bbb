package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipk/archive"
	"ipk/content"
)

// workspace makes a folder with three programs that print a version, and what lands on a router beside them.
func workspace(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, program := range content.Programs() {
		write(t, filepath.Join(root, program, "main.go"), "package main\n\nvar version = \"devel\"\n\nfunc main() { println(version) }\n")
		write(t, filepath.Join(root, program, "go.mod"), "module "+program+"\n\ngo 1.23.0\n")
	}
	if err := os.CopyFS(filepath.Join(root, "openwrt", "files"), os.DirFS("../files")); err != nil {
		t.Fatal(err)
	}
	return root
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestCompilingAndPackingGiveAFolderForOpkgUpdate(t *testing.T) {
	t.Parallel()
	root := workspace(t)
	arguments := []string{
		"-root", root, "-programs", filepath.Join(root, "cross"), "-out", filepath.Join(root, "ipk"), "-version", "3.0.0",
		"-build", "-trimpath", "-build", "-buildvcs=false", "-build", "-ldflags=-s -w -buildid= -X main.version=3.0.0",
	}
	for _, command := range []string{"cross", "pack"} {
		if err := run(context.Background(), append(append([]string{command}, arguments...), "mips")); err != nil {
			t.Fatal(err)
		}
	}
	const name = "mwan3_3.0.0-r1_mips_24kc.ipk"
	folder := filepath.Join(root, "ipk", "mips_24kc")
	index, err := archive.Index([]archive.Listed{{Name: name, File: []byte(read(t, filepath.Join(folder, name)))}})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(folder, "Packages")); got != string(index) {
		t.Errorf("Packages is\n%s, not\n%s", got, index)
	}
	first := read(t, filepath.Join(folder, name))
	if err := run(context.Background(), append(append([]string{"pack"}, arguments...), "mips")); err != nil {
		t.Fatal(err)
	}
	if first != read(t, filepath.Join(folder, name)) {
		t.Error("packing again gave another package")
	}

	program := filepath.Join(root, "cross", "mips", "mwan3track")
	write(t, program, "#!/bin/sh\necho 3.0.0\n")
	err = run(context.Background(), append(append([]string{"pack"}, arguments...), "mips"))
	if err == nil || !strings.HasPrefix(err.Error(), "pack for mips_24kc: usr/sbin/mwan3track: bad magic number") {
		t.Errorf("got %v", err)
	}
}

func TestAWrongCommandLineIsAnError(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"say cross or pack":             nil,
		"sell: there is cross and pack": {"sell"},
		`unknown target "z80"; there are mips, mipsle, mips64, arm5, arm6, arm7, arm64, 386, amd64, riscv64, loong64`: {"pack", "z80"},
	} {
		if err := run(context.Background(), args); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
