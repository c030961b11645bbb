package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"e2e/lab"
	"e2e/lab/labtest"
)

// router is OpenWrt in a lab of two uplinks of both families, without mwan3.
type router struct {
	t       *testing.T
	lab     *lab.Lab
	session string // of somebody who is logged in to LuCI
}

func newRouter(t *testing.T) *router {
	t.Helper()
	l, err := lab.New(2)
	labtest.Check(t, err, l.BecomeOpenWrt(t.TempDir()))
	t.Cleanup(func() {
		if log, err := os.ReadFile(lab.LogFile); err == nil && t.Failed() {
			t.Logf("the end of the router's log:\n%s", log[max(0, len(log)-6000):])
		}
	})
	return &router{t: t, lab: l}
}

// foreigners gives the router what others have: rules, a table, a set, chains.
func (r *router) foreigners(pref, table string) {
	r.t.Helper()
	r.run("sh", "-c", `set -e
for family in 4 6; do
	ip -$family rule add pref `+pref+` fwmark 0x10000/0xff0000 lookup `+table+`
	ip -$family route add blackhole default table `+table+`
done
ipset create users hash:net
ipset add users 192.0.2.64/26
nft 'table inet users { chain c { type filter hook forward priority filter; ip saddr 192.0.2.64 drop; }; }'
for tool in iptables ip6tables; do
	$tool -t mangle -N users
	$tool -t mangle -A PREROUTING -m mark --mark 0x80000/0xff0000 -j users
	$tool -t mangle -A OUTPUT -m mark --mark 0x80000/0xff0000 -j users
done`)
}

const userScript = "#!/bin/sh\n# written by the user\n"

// config is what the user has written: two uplinks, port 5000 through the second, the rest through both.
func (r *router) config(backend string) string {
	return "config globals 'globals'\n\toption mmx_mask '0x3F00'\n\toption backend '" + backend + "'\n\n" +
		r.lab.Sections(lab.Quick(), 4, 6) + `
config policy 'balanced'
	list use_member 'wan_m1'
	list use_member 'wanb_m1'
	list use_member 'wan6_m1'
	list use_member 'wanb6_m1'
config policy 'second'
	list use_member 'wanb_m1'
	list use_member 'wanb6_m1'
config rule 'port'
	option proto 'tcp'
	option dest_port '5000'
	option use_policy 'second'
config rule 'rest'
	option use_policy 'balanced'
`
}

// configure writes the two files that are the user's.
func (r *router) configure(backend string) {
	r.t.Helper()
	labtest.Check(r.t, os.WriteFile("/etc/config/mwan3", []byte(r.config(backend)), 0o600),
		os.WriteFile("/etc/mwan3.user", []byte(userScript), 0o755))
}

// usersFiles checks that both are as the user has written them.
func (r *router) usersFiles(backend string) {
	r.t.Helper()
	for path, want := range map[string]string{"/etc/config/mwan3": r.config(backend), "/etc/mwan3.user": userScript} {
		if got, err := os.ReadFile(path); string(got) != want {
			r.t.Errorf("%s is not as the user wrote it: %v\n%s", path, err, got)
		}
	}
}

// logIn is somebody who uses LuCI from now on.
func (r *router) logIn() {
	r.t.Helper()
	found := regexp.MustCompile(`[0-9a-f]{32}`).FindString(r.run("ubus", "call", "session", "create"))
	r.session = found
	labtest.Check(r.t, os.RemoveAll("/run/rpcd.asked"))
}

// stillLoggedIn checks that rpcd was reloaded, never restarted, and answers for mwan3 with the new plugin.
func (r *router) stillLoggedIn() {
	r.t.Helper()
	asked, _ := os.ReadFile("/run/rpcd.asked")
	verbs := strings.Fields(string(asked))
	if !slices.Contains(verbs, "reload") || slices.Contains(verbs, "restart") {
		r.t.Errorf("rpcd was asked for %q", verbs)
	}
	r.run("ubus", "call", "session", "list", `{"ubus_rpc_session":"`+r.session+`"}`)
}

// answers checks that the ubus object mwan3 tells about the interfaces.
func (r *router) answers() {
	r.t.Helper()
	status := r.run("ubus", "call", "mwan3", "status", `{"section":"interfaces"}`)
	for _, iface := range []string{"wan", "wan6", "wanb", "wanb6"} {
		if !strings.Contains(status, `"`+iface+`"`) {
			r.t.Errorf("ubus call mwan3 status tells nothing of %s:\n%s", iface, status)
		}
	}
}

// works waits until the daemons of the installed version run, and no other, and interfaces have the states.
func (r *router) works(offline ...string) {
	r.t.Helper()
	r.must("the daemons run", func() error {
		found := map[string]bool{}
		for pid, line := range daemons() {
			exe, _ := os.Readlink(filepath.Join("/proc", itoa(pid), "exe"))
			program := strings.Fields(line)[0]
			if exe != program {
				return failed("%d, %s, is of another version: it runs %s", pid, line, exe)
			}
			if found[line] {
				return failed("%s runs twice", line)
			}
			found[line] = true
		}
		if len(found) != 6 {
			return failed("%v run", found)
		}
		return nil
	})
	for _, iface := range []string{"wan", "wan6", "wanb", "wanb6"} {
		want := "online"
		if slices.Contains(offline, iface) {
			want = "offline"
		}
		r.must(iface, func() error { return r.isState(iface, want) })
	}
}

// isState checks what policies and tracker say, and that the tracker has done a round.
func (r *router) isState(iface, want string) error {
	routed, _ := os.ReadFile("/var/run/mwan3/iface_state/" + iface)
	tracked, _ := os.ReadFile("/var/run/mwan3track/" + iface + "/STATUS")
	if string(routed) != want+"\n" || string(tracked) != want+"\n" {
		return failed("policies follow %q, the tracker says %q; want %s", routed, tracked, want)
	}
	if _, err := os.Stat("/var/run/mwan3/changing"); err == nil {
		return failed("mwan3 is still at work")
	}
	return nil
}

// asFresh checks that the kernel and the state files are what a stop and a start leave.
func (r *router) asFresh() {
	r.t.Helper()
	states := func() string {
		files, _ := filepath.Glob("/var/run/mwan3/[^m]*") // mirrored_* come a moment later; marks and mmx_mask are never missing
		trackers, _ := filepath.Glob("/var/run/mwan3track/*")
		return r.kernel() + strings.Join(append(files, trackers...), "\n")
	}
	now := states()
	r.run("/etc/init.d/mwan3", "stop")
	r.run("/etc/init.d/mwan3", "start")
	r.works()
	r.same("what the upgrade has left is not what a start makes", states(), now)
}

// mustFail runs a program that is to fail.
func (r *router) mustFail(args ...string) {
	r.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err == nil {
		r.t.Errorf("%v did not fail:\n%s", args, out)
	}
}
