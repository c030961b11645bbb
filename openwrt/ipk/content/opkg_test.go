package content

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"ipk/archive"
)

// opkgConf lets opkg take what the folder /feed has, unsigned.
const opkgConf = `dest root /
lists_dir ext /var/opkg-lists
arch all 1
arch mips_24kc 10
src/gz mwan3 file:///feed
`

// newOpkgBox makes a router with the real opkg. Few machines have it; the others skip these tests, and the strict reader
// judges there alone.
func newOpkgBox(t *testing.T) box {
	t.Helper()
	if _, err := exec.LookPath("opkg"); err != nil {
		t.Skip("opkg is not installed here")
	}
	b := newBox(t)
	b.install("opkg", "bin/opkg")
	b.file("etc/opkg.conf", opkgConf, 0o644)
	return b
}

// offer puts a package into the feed.
func (b box) offer(p archive.Package) {
	b.t.Helper()
	when := time.Unix(1700000000, 0)
	data, err := archive.PackFiles(p.Files, when)
	if err != nil {
		b.t.Fatal(err)
	}
	file, err := p.Marshal(data, when)
	if err != nil {
		b.t.Fatal(err)
	}
	name := "mwan3_" + p.Control.Get("Version") + ".ipk"
	index, err := archive.Index([]archive.Listed{{Name: name, File: file}})
	if err != nil {
		b.t.Fatal(err)
	}
	packed, err := archive.Compress(index)
	if err != nil {
		b.t.Fatal(err)
	}
	b.file("feed/"+name, string(file), 0o644)
	b.file("feed/Packages.gz", string(packed), 0o644)
	b.run(nil, "/bin/opkg", "update")
}

// ours is the package as it is shipped, but for the programs and the init script.
func ours(t *testing.T, version string) archive.Package {
	t.Helper()
	files, err := Files(router, fakePrograms(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		if file.Path == "etc/init.d/mwan3" {
			files[i].Body = []byte(service)
		}
	}
	scripts, err := Scripts()
	if err != nil {
		t.Fatal(err)
	}
	return archive.Package{
		Control: Control(version, "mips_24kc", time.Unix(1700000000, 0)), Conffiles: Conffiles(),
		Scripts: scripts, Files: files,
	}
}

// upstreams is a package that behaves as upstream's does around installs.
func upstreams() archive.Package {
	shell := func(lines ...string) []byte { return []byte("#!/bin/sh\n" + strings.Join(lines, "\n") + "\n") }
	return archive.Package{
		Control: archive.Control{
			{Name: "Package", Value: "mwan3"}, {Name: "Version", Value: "2.12.2-r1"}, {Name: "Architecture", Value: "all"},
			{Name: "Description", Value: "the shell package"},
		},
		Conffiles: Conffiles(),
		Scripts: map[string][]byte{
			"postinst": shell("/etc/init.d/rpcd restart", "/etc/init.d/mwan3 enable", "/etc/init.d/mwan3 start"),
			"prerm":    shell(`[ "$PKG_UPGRADE" = 1 ] || /etc/init.d/mwan3 disable`, "/etc/init.d/mwan3 stop"),
			"postrm":   shell("/etc/init.d/rpcd restart"),
		},
		Files: []archive.Entry{
			{Path: "etc/config/mwan3", Mode: 0o600, Body: []byte("config globals 'globals'\n")},
			{Path: "etc/mwan3.user", Mode: 0o755, Body: []byte("#!/bin/sh\n")},
			{Path: "etc/init.d/mwan3", Mode: 0o755, Body: []byte(service)},
			{Path: "usr/sbin/mwan3", Mode: 0o755, Body: shell("exit 0")},
			{Path: "usr/share/rpcd/ucode/mwan3", Mode: 0o755, Body: []byte("return {};\n")},
			{Path: "lib/mwan3/libwrap_mwan3_sockopt.so.1.0", Mode: 0o755, Body: []byte("\x7fELF")},
		},
	}
}

func TestOpkgUpgradesFromUpstreamAndKeepsWhatTheUserWrote(t *testing.T) {
	t.Parallel()
	b := newOpkgBox(t)
	b.offer(upstreams())
	b.run(nil, "/bin/opkg", "install", "mwan3")
	say(t, b, "rpcd restart\nmwan3 enable\nmwan3 start\n")
	const mine = "config interface 'wan'\n"
	b.file("etc/config/mwan3", mine, 0o600)

	b.offer(ours(t, "3.0.0"))
	b.run(nil, "/bin/opkg", "upgrade", "mwan3")
	// Upstream's script before removal stops it, ours makes its script after removal a gentle one.
	say(t, b, "mwan3 stop\nubus call service delete {\"name\":\"mwan3\"}\nrpcd reload\n"+
		"uci -q show mwan3\nuci commit mwan3\nrpcd reload\nmwan3 enabled\nmwan3 start\n")
	if got := b.read("etc/config/mwan3"); got != mine {
		t.Errorf("the user's config is %q", got)
	}
	if !b.has("etc/config/mwan3-opkg") || !b.has("usr/sbin/mwan3track") {
		t.Error("the new config or a program is missing")
	}
	for _, gone := range []string{"usr/share/rpcd/ucode/mwan3", "lib/mwan3/libwrap_mwan3_sockopt.so.1.0"} {
		if b.has(gone) {
			t.Errorf("upstream's %s is still there", gone)
		}
	}
}

func TestOpkgUpgradesOursWithoutStoppingItAndRemovesIt(t *testing.T) {
	t.Parallel()
	b := newOpkgBox(t)
	b.offer(ours(t, "3.0.0"))
	b.run(nil, "/bin/opkg", "install", "mwan3") // without the module that it recommends, which this feed lacks
	b.log()
	b.offer(ours(t, "3.0.1"))
	b.run(nil, "/bin/opkg", "upgrade", "mwan3")
	say(t, b, "uci -q show mwan3\nuci commit mwan3\nrpcd reload\nmwan3 enabled\nmwan3 start\n")
	b.run(nil, "/bin/opkg", "remove", "mwan3")
	say(t, b, "mwan3 disable\nmwan3 stop\nrpcd reload\n")
	for _, gone := range []string{"usr/sbin/mwan3", "etc/init.d/mwan3", "etc/config/mwan3"} {
		if b.has(gone) {
			t.Errorf("%s is still there", gone)
		}
	}
}

func TestOpkgGoesBackToUpstreamWithEverythingStopped(t *testing.T) {
	t.Parallel()
	b := newOpkgBox(t)
	b.offer(ours(t, "3.0.0"))
	b.run(nil, "/bin/opkg", "install", "mwan3")
	b.log()
	b.offer(upstreams())
	b.run(nil, "/bin/opkg", "install", "--force-downgrade", "/feed/mwan3_2.12.2-r1.ipk")
	say(t, b, "mwan3 stop\nrpcd restart\nmwan3 enable\nmwan3 start\n")
}
