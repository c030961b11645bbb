package packages

import (
	"os"
	"path/filepath"
	"strings"

	"e2e/lab/labtest"

	"github.com/google/go-cmp/cmp"
)

// oddities are what happens to a package besides upgrades that go well.
func oddities() map[string]func(*router) {
	return map[string]func(*router){
		"a build of the same version":      sameVersion,
		"switched off, and installed anew": switchedOff,
		"an image":                         image,
		"back to upstream":                 back,
	}
}

// begin installs a version of ours and lets it work as the user has configured it.
func (u upgrade) begin(r *router) manager {
	r.t.Helper()
	m := u.manager()
	old, _ := u.versions(r)
	labtest.Check(r.t, m.install(old, ""))
	r.configure(u.backend)
	r.run("/etc/init.d/mwan3", "reload")
	r.works()
	return m
}

// A package is built again while its version stays: its daemons are started again all the same.
func sameVersion(r *router) {
	u := upgrade{"ours", "apk", "ipk", "nftables", nil}
	m := u.begin(r)
	old, _ := u.versions(r)
	connections := watch(r.lab)
	labtest.Check(r.t, m.install(old, ""))
	r.works()
	connections.undisturbed(r, "upgrade to the same version")
}

// What the user has switched off stays off in an upgrade. Whoever removes the package and installs it again finds it as it was.
func switchedOff(r *router) {
	u := upgrade{"ours", "opkg", "feed", "nftables", nil}
	m := u.begin(r)
	working := r.kernel()
	r.run("/usr/sbin/mwan3", "stop")
	kernel := r.kernel()
	_, new := u.versions(r)
	labtest.Check(r.t, m.install(new, ""))
	r.mustFail("/etc/init.d/mwan3", "enabled")
	r.mustFail("/etc/init.d/mwan3", "running")
	r.same("the kernel after the upgrade", kernel, r.kernel())
	if found := daemons(); len(found) > 0 {
		r.t.Errorf("%v run", found)
	}
	labtest.Check(r.t, m.remove())
	r.usersFiles(u.backend)
	labtest.Check(r.t, m.install(new, ""))
	r.usersFiles(u.backend)
	r.works()
	r.same("the kernel after all", working, r.kernel())
}

// image installs into an image: mwan3 is to start when it boots, and the builder's own machine does not notice.
func image(r *router) {
	before := r.traces()
	for _, make := range []func(env []string, root string) (manager, parcel){
		func(env []string, root string) (manager, parcel) {
			return &opkg{shelf: shelf{root: root}, env: env}, ours(r.t, current)
		},
		func(env []string, root string) (manager, parcel) {
			return &opkg{shelf: shelf{root: root}, env: env}, feeds(r.t, current)
		},
		func(env []string, root string) (manager, parcel) {
			return &apkTool{shelf: shelf{root: root}, env: env}, feeds(r.t, current)
		},
	} {
		root := r.emptyImage()
		m, p := make([]string{"IPKG_INSTROOT=" + root}, root)
		labtest.Check(r.t, m.install(p, ""))
		if link, err := os.Readlink(root + "/etc/rc.d/S19mwan3"); err != nil || link != "../init.d/mwan3" {
			r.t.Errorf("%s: mwan3 does not start at boot: %q, %v", root, link, err)
		}
		if _, err := os.Stat(root + "/etc/uci-defaults/mwan3-migrate-flush_conntrack"); err != nil {
			r.t.Error("what the first boot has to do is gone: ", err)
		}
		labtest.Check(r.t, os.RemoveAll(root))
	}
	r.nothingLeft(before)
}

// emptyImage makes the root folder of an image that has the base system.
func (r *router) emptyImage() string {
	r.t.Helper()
	root, err := os.MkdirTemp("/tmp", "image-")
	labtest.Check(r.t, err)
	for _, file := range []string{"/etc/rc.common", "/lib/functions.sh", "/lib/functions/procd.sh"} {
		text, err := os.ReadFile(file)
		labtest.Check(r.t, err, os.MkdirAll(filepath.Dir(root+file), 0o755), os.WriteFile(root+file, text, 0o755))
	}
	labtest.Check(r.t, os.MkdirAll(root+"/var/lock", 0o755))
	return root
}

// back installs upstream's package over ours. By apk that needs a stop before: apk runs no script of ours then.
func back(r *router) {
	u := upgrade{"ours", "opkg", "feed", "nftables", nil}
	r.foreigners("5210", "152")
	before := r.traces()
	m := u.begin(r)
	labtest.Check(r.t, m.install(upstreams(r.t, "2.12.2-r1"), ""))
	r.must("upstream's works", func() error { return r.isState("wanb", "online") })
	for pid, line := range daemons() {
		if exe, _ := os.Readlink(filepath.Join("/proc", itoa(pid), "exe")); strings.Contains(exe, "mwan3") {
			r.t.Errorf("%d, %s, is ours: it runs %s", pid, line, exe)
		}
	}
	if diff := cmp.Diff("", ownTables(r.kernel())); diff != "" {
		r.t.Errorf("of ours is loaded: %s", diff)
	}
	r.usersFiles(u.backend)
	labtest.Check(r.t, m.remove())
	left := append([]string{"/etc/config/mwan3", "/etc/mwan3.user"}, u.beside()...)
	// What upstream's own scripts never remove.
	left = append(left, "/var/state/mwan3", "/run/lock/mwan3.lock", "/run/lock/procd_mwan3.lock", "/run/mwan3user")
	r.nothingLeftBut(before, left...)
}

// ownTables returns what only our nftables marking has.
func ownTables(kernel string) string {
	var own []string
	for _, line := range strings.Split(kernel, "\n") {
		if strings.HasPrefix(line, "table inet mwan3") {
			own = append(own, line)
		}
	}
	return strings.Join(own, "\n")
}
