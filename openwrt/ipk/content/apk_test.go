package content

import (
	"os/exec"
	"testing"
	"time"

	"ipk/apk"
	"ipk/archive"
)

// newApkBox makes a router with the real apk. Few machines have it; the others skip these tests.
func newApkBox(t *testing.T) box {
	t.Helper()
	if _, err := exec.LookPath("apk"); err != nil {
		t.Skip("apk is not installed here")
	}
	b := newBox(t)
	b.install("apk", "bin/apk")
	b.file("etc/apk/arch", "mips_24kc\n", 0o644)
	b.apk("add", "--initdb")
	return b
}

func (b box) apk(args ...string) {
	b.t.Helper()
	b.run(nil, "/bin/apk", append([]string{"--no-network", "--allow-untrusted", "--repositories-file", "/dev/null"}, args...)...)
}

// bring puts a package into the box and returns its path there.
func (b box) bring(version string) string {
	b.t.Helper()
	p := ours(b.t, version)
	made, err := Apk(p.Control, p.Files)
	if err != nil {
		b.t.Fatal(err)
	}
	file, err := made.Marshal(time.Unix(1700000000, 0))
	if err != nil {
		b.t.Fatal(err)
	}
	b.file("mwan3-"+version+".apk", string(file), 0o644)
	return "/mwan3-" + version + ".apk"
}

func TestApkInstallsUpgradesWithoutStoppingAndRemoves(t *testing.T) {
	t.Parallel()
	b := newApkBox(t)
	first := b.bring("3.0.0")
	b.apk("verify", first)
	b.apk("add", first)
	say(t, b, "uci -q show mwan3\nuci commit mwan3\nrpcd reload\nmwan3 enable\nmwan3 enabled\nmwan3 start\n")
	for _, file := range ours(t, "3.0.0").Files {
		if file.Path == "etc/uci-defaults/mwan3-migrate-flush_conntrack" {
			continue // has run and is gone
		}
		if got := b.read(file.Path); got != string(file.Body) {
			t.Errorf("%s is\n%s", file.Path, got)
		}
		if got := b.mode(file.Path); got != file.Mode {
			t.Errorf("%s has mode %o, not %o", file.Path, got, file.Mode)
		}
	}
	const mine = "config interface 'wan'\n"
	b.file("etc/config/mwan3", mine, 0o600)

	b.apk("add", b.bring("3.0.1"))
	say(t, b, "uci -q show mwan3\nuci commit mwan3\nrpcd reload\nmwan3 enabled\nmwan3 start\n")
	if got := b.read("etc/config/mwan3"); got != mine {
		t.Errorf("the user's config is %q", got)
	}

	b.apk("del", "mwan3")
	say(t, b, "mwan3 disable\nmwan3 stop\nrpcd reload\n")
	if b.has("usr/sbin/mwan3") || b.has("etc/init.d/mwan3") {
		t.Error("a file is still there")
	}
}

// apk stops nothing before an upgrade.
func TestApkUpgradesFromUpstream(t *testing.T) {
	t.Parallel()
	b := newApkBox(t)
	old := upstreams()
	made := apk.Package{Name: "mwan3", Version: "2.12.2-r1", Architecture: "noarch", Files: archive.Folders(old.Files)}
	file, err := made.Marshal(time.Unix(1700000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	b.file("old.apk", string(file), 0o644)
	b.apk("add", "/old.apk")
	b.file("etc/rc.d/S19mwan3", "", 0o755)
	say(t, b, "")
	b.apk("add", b.bring("3.0.0"))
	say(t, b, "ubus call service delete {\"name\":\"mwan3\"}\n"+
		"uci -q show mwan3\nuci commit mwan3\nrpcd reload\nmwan3 enabled\nmwan3 start\n")
	if b.has("usr/share/rpcd/ucode/mwan3") {
		t.Error("upstream's plugin is still there")
	}
}
