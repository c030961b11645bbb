// Package packages lets package managers install, upgrade and remove mwan3 on a router while clients use it: the package of
// openwrt/ipk and that of feeds/mwan3, in opkg's order and in apk's, coming from upstream's shell package or from a version of
// ours. A package manager is played by a few lines here that do what opkg and apk do to the files, and run the scripts when
// they would, as they would. All else is real: the programs, the files, the scripts, the kernel, the packets.
//
//	go test -v ./packages
package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"ipk/archive"
	"ipk/content"

	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// parcelsEnv names the folder of the packages, for the labs.
const parcelsEnv = "MWAN3_PARCELS"

// The versions of ours: the one that the programs under test have, and one that differs in nothing else.
const (
	current = "3.0.0"
	next    = "3.0.1"
)

// epoch is the time that everything in a package has.
func epoch() time.Time { return time.Unix(1700000000, 0) }

// TestThePackageOnARouter runs each story in a lab of its own.
func TestThePackageOnARouter(t *testing.T) {
	if os.Getenv(parcelsEnv) == "" {
		dir := t.TempDir()
		pack(t, dir, current, labtest.Build(t))
		pack(t, dir, next, compile(t, next))
		t.Setenv(parcelsEnv, dir)
	}
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labtest.In(t, func(t *testing.T) { story(newRouter(t)) })
		})
	}
}

// pack writes a package as it is shipped.
func pack(t *testing.T, dir, version, programs string) {
	t.Helper()
	files, err := content.Files("../../openwrt/files", programs)
	labtest.Check(t, err)
	scripts, err := content.Scripts()
	labtest.Check(t, err)
	p := archive.Package{Control: content.Control(version, "all", epoch()), Conffiles: content.Conffiles(), Scripts: scripts}
	data, err := archive.PackFiles(files, epoch())
	labtest.Check(t, err)
	file, err := p.Marshal(data, epoch())
	labtest.Check(t, err, os.WriteFile(filepath.Join(dir, version+".ipk"), file, 0o644))
}

// compile makes the programs of another version.
func compile(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, program := range content.Programs() {
		build := exec.Command("go", "build", "-C", "../../"+program, "-trimpath", "-buildvcs=false",
			"-ldflags", "-s -w -buildid= -X main.version="+version, "-o", filepath.Join(dir, program), ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		if err != nil {
			t.Fatalf("build %s %s: %v\n%s", program, version, err, out)
		}
	}
	return dir
}

// patience is how long what must happen may take.
const patience = 20 * time.Second

// eventually repeats try until it succeeds, and returns its last error.
func eventually(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// must waits until try succeeds.
func (r *router) must(what string, try func() error) {
	r.t.Helper()
	if err := eventually(try); err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

// run runs a program on the router.
func (r *router) run(args ...string) string {
	r.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func failed(format string, args ...any) error { return fmt.Errorf(format, args...) }
