// Package feed tests the Makefile that OpenWrt's build system gets.
package feed

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipk/content"
)

// build is the package's Makefile in a build system of our own, which tells in files what it was given.
type build struct {
	t          *testing.T
	repository string
	out        string
	programs   string
}

func newBuild(t *testing.T) build {
	t.Helper()
	repository, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	b := build{t, repository, t.TempDir(), t.TempDir()}
	for _, program := range content.Programs() {
		if err := os.WriteFile(filepath.Join(b.programs, program), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b build) make(goal string) {
	b.t.Helper()
	buildroot, err := filepath.Abs("testdata/buildroot")
	if err != nil {
		b.t.Fatal(err)
	}
	folder := filepath.Join(b.repository, "feeds", "mwan3")
	command := exec.Command("make", "-C", folder, goal,
		"TOPDIR="+buildroot, "OUT="+b.out, "PROGRAMS="+b.programs)
	command.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=")
	if out, err := command.CombinedOutput(); err != nil {
		b.t.Fatalf("make %s: %v\n%s", goal, err, out)
	}
}

// told returns what the Makefile has set.
func (b build) told(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.out, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// set returns the value of a variable in the repository's own Makefile.
func (b build) set(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.repository, "Makefile"))
	if err != nil {
		b.t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` *:= *(.*)$`).FindSubmatch(text)
	if found == nil {
		b.t.Fatalf("the Makefile does not set %s", name)
	}
	return string(found[1])
}

func TestTheFeedBuildsWhatTheMakefileBuilds(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	b.make("prepare")
	want := map[string]string{
		"PKG_NAME":          "mwan3",
		"PKG_VERSION":       b.set("VERSION"),
		"PKG_RELEASE":       strings.TrimPrefix(content.Release, "-r"),
		"PKG_LICENSE":       "Apache-2.0",
		"PKG_BUILD_DEPENDS": "golang/host",
		"PKGARCH":           "",
		"DEPENDS":           "@(arch) +nftables +kmod-nf-conntrack-netlink",
		"GO_PKG":            "mwan3",
		"GO_PKG_BUILD_PKG":  strings.Join(content.Programs(), " "),
		"GO_PKG_LDFLAGS":    "-s -w",
		"GO_PKG_LDFLAGS_X":  "main.version=" + b.set("VERSION"),
		"GO_PKG_GCFLAGS":    b.set("GCFLAGS"),
		"GO_PKG_TAGS":       "netgo,osusergo",
		"conffiles":         strings.Join(content.Conffiles(), "\n"),
	}
	for name, value := range want {
		if got := b.told(name); got != value {
			t.Errorf("%s is %q, not %q", name, got, value)
		}
	}
	for _, name := range strings.Fields(b.told("PKG_FILE_DEPENDS")) {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

func TestTheVersionIsAboveUpstreams(t *testing.T) {
	t.Parallel()
	var major, minor, patch int
	version := newBuild(t).set("VERSION")
	if n, err := fmt.Sscanf(version+" ", "%d.%d.%d ", &major, &minor, &patch); n != 3 || err != nil || major < 3 {
		t.Errorf("%q is not three numbers, of which the first is at least 3: %v", version, err)
	}
}

func TestTheScriptsAreThoseOfTheOtherPackage(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	b.make("prepare")
	scripts, err := content.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"preinst", "postrm"} {
		if diff := cmp.Diff(strings.TrimSuffix(string(scripts[name]), "\n"), b.told(name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	postinst := b.told("postinst")
	if !strings.HasPrefix(postinst, "#!/bin/sh\n") || !strings.Contains(postinst, "/etc/init.d/rpcd reload") {
		t.Errorf("postinst is\n%s", postinst)
	}
	const upstreams = "\n\"upgrade \"[012].*) ;;\n"
	if prerm := b.told("prerm"); !strings.Contains(prerm, upstreams) || !strings.Contains(string(scripts["prerm"]), upstreams) {
		t.Errorf("the two packages do not mean the same by upstream's versions:\n%s\n%s", prerm, scripts["prerm"])
	}
	for _, name := range []string{"postinst", "prerm"} {
		if out, err := exec.Command("sh", "-n", filepath.Join(b.out, name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestTheFeedInstallsEveryFileWhereTheOtherPackageHasIt(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	b.make("install")
	files, err := content.Files(filepath.Join(b.repository, "openwrt", "files"), b.programs)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, file := range files {
		want[file.Path] = fmt.Sprintf("%04o %s", file.Mode, file.Body)
	}
	root := filepath.Join(b.out, "root")
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && info.Mode().Perm() != 0o755 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		body, err := os.ReadFile(name)
		got[strings.TrimPrefix(name, root+"/")] = fmt.Sprintf("%04o %s", info.Mode().Perm(), body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What OpenWrt's build does in the prepared folder: go install from a folder below it, in its workspace.
func TestThePreparedSourcesCompileAndTellTheirVersion(t *testing.T) {
	t.Parallel()
	b := newBuild(t)
	b.make("prepare")
	folder := filepath.Join(b.out, "build_dir", "mwan3-"+b.told("PKG_VERSION"))
	below, bin := filepath.Join(folder, ".go_work", "build"), filepath.Join(b.out, "bin")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"install", "-trimpath", "-buildvcs=false", "-tags", b.told("GO_PKG_TAGS"), "-gcflags", b.told("GO_PKG_GCFLAGS"),
		"-ldflags", b.told("GO_PKG_LDFLAGS") + " -X " + b.told("GO_PKG_LDFLAGS_X"),
	}, strings.Fields(b.told("GO_PKG_BUILD_PKG"))...)
	command := exec.Command("go", args...)
	command.Dir = below
	command.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=", "GOWORK=", "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	test := exec.Command(filepath.Join(b.repository, "feeds", "mwan3", "test.sh"))
	test.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "PKG_NAME=mwan3", "PKG_VERSION=" + b.told("PKG_VERSION")}
	out, err := test.CombinedOutput()
	want := ""
	for _, program := range content.Programs() {
		want += program + " " + b.told("PKG_VERSION") + "\n"
	}
	if err != nil || string(out) != want {
		t.Errorf("test.sh: %v, and prints\n%s", err, out)
	}
}
