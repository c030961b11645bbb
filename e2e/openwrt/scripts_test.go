// Package openwrt tests what lands on an OpenWrt router beside the three programs: the scripts of openwrt/files. The lab
// plays OpenWrt's base system, with busybox as the shell.
package openwrt

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// files is where the files lie.
const files = "../../openwrt/files"

// scripts are the files that a shell reads, and their modes: what is executed has an x bit, what is sourced has none.
var scripts = map[string]fs.FileMode{
	"etc/hotplug.d/iface/15-mwan3":                   0o644,
	"etc/hotplug.d/iface/16-mwan3-user":              0o644,
	"etc/init.d/mwan3":                               0o755,
	"etc/mwan3.user":                                 0o755,
	"etc/uci-defaults/mwan3-migrate-flush_conntrack": 0o644,
	"lib/mwan3/common.sh":                            0o644,
	"lib/mwan3/mwan3.sh":                             0o644,
}

func TestBusyboxAndShellcheckAcceptEachScript(t *testing.T) {
	for name := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(files, name)
			for _, args := range [][]string{{"busybox", "ash", "-n", path}, {"shellcheck", "-s", "sh", path}} {
				if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
				}
			}
		})
	}
}

func TestTheFilesHaveTheirModes(t *testing.T) {
	for name, want := range scripts {
		info, err := os.Stat(filepath.Join(files, name))
		labtest.Check(t, err)
		if got := info.Mode().Perm() &^ 0o022; got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

// LuCI's list of services reads these keys from the first eleven lines, at their beginnings.
func TestLuCIFindsItsKeysInTheInitScript(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(files, "etc/init.d/mwan3"))
	labtest.Check(t, err)
	var keys []string
	for _, line := range bytes.SplitN(text, []byte("\n"), 12)[:11] {
		for _, key := range []string{"START=", "STOP=", "USE_PROCD="} {
			if bytes.HasPrefix(line, []byte(key)) {
				keys = append(keys, string(line))
			}
		}
	}
	if diff := cmp.Diff([]string{"START=19", "USE_PROCD=1"}, keys); diff != "" {
		t.Error(diff)
	}
	if first, _, _ := strings.Cut(string(text), "\n"); first != "#!/bin/sh /etc/rc.common" {
		t.Errorf("the first line is %q", first)
	}
}

// Where an image is built, nothing of the router is there and nothing may be done.
func TestSourcingForAnImageNeedsNothingOfTheRouter(t *testing.T) {
	root, err := filepath.Abs(files)
	labtest.Check(t, err)
	const script = `
for tool in uci ubus logger nft ip; do eval "$tool() { echo $tool was called; exit 9; }"; done
. "$IPKG_INSTROOT/etc/init.d/mwan3" && echo "$START $USE_PROCD"
. "$IPKG_INSTROOT/lib/mwan3/mwan3.sh" && echo "$MWAN3TRACK_STATUS_DIR"
(. "$IPKG_INSTROOT/etc/uci-defaults/mwan3-migrate-flush_conntrack"); echo "kept for the first boot: $?"
`
	cmd := exec.Command("busybox", "ash", "-c", script)
	cmd.Env = append(os.Environ(), "IPKG_INSTROOT="+root)
	out, err := cmd.CombinedOutput()
	labtest.Check(t, err)
	if diff := cmp.Diff("19 1\n/var/run/mwan3track\nkept for the first boot: 1\n", string(out)); diff != "" {
		t.Error(diff)
	}
}
