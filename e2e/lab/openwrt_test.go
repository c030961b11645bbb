package lab_test

import (
	"os"
	"path/filepath"
	"testing"

	"e2e/lab/labtest"
)

func TestWhatOpenWrtInstallsNeverReachesTheHost(t *testing.T) {
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		files := t.TempDir()
		check(t, os.MkdirAll(filepath.Join(files, "opt"), 0o755))
		check(t, os.WriteFile(filepath.Join(files, "opt/thing"), nil, 0o644))
		const want = "become OpenWrt: /opt is the host's: the lab has to shadow it before it can have a file in /opt"
		if err := l.BecomeOpenWrt(files); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		for _, name := range []string{"/sbin/service", "/sbin/hotplug-call", "/etc/rc.common"} {
			if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s is no file of the lab's own: %v", name, err)
			}
		}
	})
}
