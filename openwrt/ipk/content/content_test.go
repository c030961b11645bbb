package content

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// router is where the files lie that land on a router.
const router = "../../files"

// fakePrograms returns a folder with three files that are called like the programs.
func fakePrograms(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, program := range Programs() {
		if err := os.WriteFile(filepath.Join(folder, program), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestEveryFileHasThePathAndModeThatOthersRelyOn(t *testing.T) {
	t.Parallel()
	want := map[string]int64{
		"etc/config/mwan3":                               0o600,
		"etc/hotplug.d/iface/15-mwan3":                   0o644,
		"etc/hotplug.d/iface/16-mwan3-user":              0o644,
		"etc/init.d/mwan3":                               0o755,
		"etc/mwan3.user":                                 0o755,
		"etc/uci-defaults/mwan3-migrate-flush_conntrack": 0o644,
		"lib/mwan3/common.sh":                            0o644,
		"lib/mwan3/mwan3.sh":                             0o644,
		"lib/upgrade/keep.d/mwan3":                       0o644,
		"usr/libexec/rpcd/mwan3":                         0o755,
		"usr/sbin/mwan3":                                 0o755,
		"usr/sbin/mwan3rtmon":                            0o755,
		"usr/sbin/mwan3track":                            0o755,
	}
	files, err := Files(router, fakePrograms(t))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, file := range files {
		got[file.Path] = file.Mode
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAConffileIsAFileOfThePackage(t *testing.T) {
	t.Parallel()
	for _, path := range Conffiles() {
		if _, err := os.Stat(filepath.Join(router, path)); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileWithoutAPlaceAndAMissingOneAreErrors(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, err := Files(root, fakePrograms(t))
	want := "missing in the package: " + strings.Join(expected, ", ") + ", a plugin for rpcd"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.WriteFile(filepath.Join(root, "notes"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Files(root, fakePrograms(t))
	want = "read what lands on the router: notes: nobody has said which mode it has on the router"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
