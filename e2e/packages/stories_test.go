package packages

import (
	"maps"
	"strconv"
	"strings"

	"e2e/lab/labtest"

	"github.com/google/go-cmp/cmp"
)

func itoa(n int) string { return strconv.Itoa(n) }

// same complains about two texts that differ.
func (r *router) same(what, want, got string) {
	r.t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// stories are the tests, by name.
func stories() map[string]func(*router) {
	all := map[string]func(*router){}
	for _, u := range upgrades() {
		all[u.name()] = u.run
	}
	maps.Copy(all, oddities())
	return all
}

// upgrade is a life of the package: an old version is installed and used, then the new one replaces it and is removed.
// The package manager may be killed on the way, before each of the steps, and is then run again.
type upgrade struct {
	from, tool, made, backend string
	killed                    []string
}

func upgrades() []upgrade {
	return []upgrade{
		{"2.12.2-r1", "opkg", "ipk", "nftables", []string{"unpack", "postinst"}},
		{"2.11.17-r1", "opkg", "feed", "iptables", nil},
		{"2.11.17-r1", "apk", "ipk", "nftables", nil},
		{"2.12.2-r1", "apk", "feed", "iptables", []string{"unpack", "after"}},
		{"ours", "opkg", "ipk", "iptables", nil},
		{"ours", "apk", "ipk", "nftables", nil},
		{"ours", "opkg", "feed", "nftables", nil},
		{"ours", "apk", "feed", "iptables", nil},
	}
}

func (u upgrade) name() string {
	name := u.from[:4] + " to " + u.made + " by " + u.tool + " with " + u.backend
	if len(u.killed) > 0 {
		name += ", killed on the way"
	}
	return name
}

func (u upgrade) manager() manager {
	if u.tool == "opkg" {
		return &opkg{shelf: shelf{root: "/"}}
	}
	return &apkTool{shelf: shelf{root: "/"}}
}

// versions are the old and the new one.
func (u upgrade) versions(r *router) (old, new parcel) {
	make := ours
	if u.made == "feed" {
		make = feeds
	}
	if u.from == "ours" {
		return make(r.t, current), make(r.t, next)
	}
	return upstreams(r.t, u.from), make(r.t, next)
}

// run lives the life.
func (u upgrade) run(r *router) {
	r.foreigners("5210", "152") // where upstream's stop takes nothing away
	before := r.traces()
	m := u.manager()
	old, new := u.versions(r)
	labtest.Check(r.t, m.install(old, ""))
	r.configure(u.backend)
	var offline []string
	if u.from == "ours" {
		offline = u.failOver(r)
	}
	r.must("the old version works", func() error { return r.isState("wanb", "online") })
	r.logIn()
	was, kernel := daemons(), r.kernel()
	connections := watch(r.lab)
	for _, step := range append(u.killed, "") {
		labtest.Check(r.t, m.install(new, step))
	}
	r.works(offline...)
	for pid, line := range daemons() {
		if was[pid] == line {
			r.t.Errorf("%d, %s, is still there", pid, line)
		}
	}
	r.usersFiles(u.backend)
	r.stillLoggedIn()
	r.answers()
	if u.from == "ours" {
		connections.undisturbed(r, "upgrade")
		r.same("the kernel is not as before the upgrade", kernel, r.kernel())
	} else {
		connections.end(r, "upgrade")
		r.asFresh()
	}
	u.remove(r, m, before)
}

// failOver makes the first uplink fail: whatever goes by the table main is lost from now on.
func (u upgrade) failOver(r *router) (offline []string) {
	r.t.Helper()
	r.run("/etc/init.d/mwan3", "reload")
	r.works()
	labtest.Check(r.t, r.lab.ISPs[0].Drop())
	offline = []string{"wan", "wan6"}
	r.works(offline...)
	return offline
}

// remove removes the new version, and compares what is left with what there was.
func (u upgrade) remove(r *router, manager manager, before traces) {
	r.t.Helper()
	labtest.Check(r.t, r.lab.ISPs[0].Heal())
	r.works()
	connections := watch(r.lab)
	labtest.Check(r.t, manager.remove())
	connections.end(r, "removal")
	r.stillLoggedIn()
	r.mustFail("ubus", "call", "mwan3", "status")
	r.usersFiles(u.backend)
	added := []string{"/etc/config/mwan3", "/etc/mwan3.user"}
	r.nothingLeft(before, append(added, u.beside()...)...)
}

// beside are the conffiles of the new version, which the package manager has put beside the user's.
func (u upgrade) beside() []string {
	suffix := map[string]string{"opkg": "-opkg", "apk": ".apk-new"}[u.tool]
	return []string{"/etc/config/mwan3" + suffix, "/etc/mwan3.user" + suffix}
}
