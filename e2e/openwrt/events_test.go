package openwrt

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"e2e/lab"
	"e2e/lab/labtest"
)

// The recorders write down what they see of each interface, in a file of its own.
const (
	hotplugRecorder = `echo "$ACTION $INTERFACE ${DEVICE-unset} first=${FIRSTCONNECT-unset} shutdown=${MWAN3_SHUTDOWN-unset}` +
		` addresses=${IFUPDATE_ADDRESSES-unset}" >>"/run/scripts.$INTERFACE"
`
	userRecorder = `#!/bin/sh
echo $(tr '\0' '\n' </proc/$$/environ | sort) "in $PWD" >>"/run/user.$INTERFACE"
`
)

// told is what everybody hears of one event: a hotplug script with its variables, and mwan3.user.
type told struct{ script, user string }

// event is what is told of something that has the usual variables.
func event(action, iface, device string) told {
	script := " first=unset shutdown=unset addresses=unset"
	switch {
	case action == "first":
		action, script = "connected", " first=1 shutdown=unset addresses=unset"
	case action == "connected":
		script = " first= shutdown=unset addresses=unset"
	case action == "ifupdate":
		script = " first=unset shutdown=unset addresses=1"
	case action == "shutdown":
		action, script = "disconnected", " first=unset shutdown=1 addresses=unset"
	}
	inScript := device
	if action == "ifdown" {
		inScript = "unset" // netifd gives ifdown no device
	}
	return told{
		script: action + " " + iface + " " + inScript + script,
		user:   "ACTION=" + action + " DEVICE=" + device + " INTERFACE=" + iface + " in /",
	}
}

// step is something that happens, and what is told of the interface wan then: one of these lists, whole.
type step struct {
	name string
	do   func() error
	want [][]told
}

func one(events ...told) [][]told { return [][]told{events} }

// lifeOf is a life of the interface wan of a lab.
func lifeOf(l *lab.Lab) []step {
	wan := func(action string) told { return event(action, "wan", "wan0") }
	isp, netifd := l.ISPs[0], l.Netifd
	ifdown := event("ifdown", "wan", "")
	return []step{
		{"start", command("/etc/init.d/mwan3", "start"), one(wan("first"))},
		{"failover", isp.Drop, one(wan("disconnecting"), wan("disconnected"))},
		{"recovery", isp.Heal, one(wan("connecting"), wan("connected"))},
		// A tracker sees for itself that the address goes, and may be sooner than netifd.
		{"netifd ifdown", func() error { return netifd.Ifdown("wan") }, [][]told{
			{ifdown, wan("disconnected")},
			{wan("disconnecting"), ifdown, wan("disconnected")},
			{wan("disconnecting"), wan("disconnected"), ifdown},
			{ifdown, wan("disconnecting"), wan("disconnected")},
		}},
		{"netifd ifup", func() error { return netifd.Ifup("wan") }, one(wan("ifup"), wan("first"))},
		{"netifd ifupdate", func() error { return netifd.Ifupdate("wan") }, one(wan("ifupdate"))},
		{"mwan3 ifdown", command("/usr/sbin/mwan3", "ifdown", "wan"), one(wan("disconnected"))},
		{"mwan3 ifup", command("/usr/sbin/mwan3", "ifup", "wan"), one(wan("first"))},
		{"reload of the same", command("/usr/sbin/mwan3", "reload"), one()},
		{"reload of a changed tracker", reloadWith(l, "9"), one(wan("first"))},
		{"stop", command("/etc/init.d/mwan3", "stop"), one(event("shutdown", "wan", ""))},
	}
}

// TestEverybodyHearsOfEachEventOnceInOrder records what a hotplug script and mwan3.user see over the life of an interface,
// and compares it whole. A second interface hears nothing of the first.
func TestEverybodyHearsOfEachEventOnceInOrder(t *testing.T) {
	t.Parallel()
	labtest.Build(t)
	labtest.In(t, func(t *testing.T) {
		l := newRouter(t, "5")
		install(t, "/etc/hotplug.d/iface/99-record", hotplugRecorder, 0o644)
		install(t, "/etc/mwan3.user", userRecorder, 0o755)
		scripts, user := recorded{path: "/run/scripts.wan"}, recorded{path: "/run/user.wan"}
		for _, step := range lifeOf(l) {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			compare(t, step.name+": a hotplug script", step.want, scripts.next(step.want, scriptLine), scriptLine)
			compare(t, step.name+": mwan3.user", step.want, user.next(step.want, userLine), userLine)
		}
		other := recorded{path: "/run/user.wanb"}
		want := one(event("first", "wanb", "wan1"), event("shutdown", "wanb", ""))
		compare(t, "the other interface", want, other.next(want, userLine), userLine)
	})
}

func scriptLine(e told) string { return e.script }
func userLine(e told) string   { return e.user }

// compare complains if what was heard is none of what could be.
func compare(t *testing.T, what string, want [][]told, heard []string, line func(told) string) {
	t.Helper()
	if !slices.ContainsFunc(want, func(events []told) bool { return slices.Equal(lines(events, line), heard) }) {
		t.Errorf("%s heard (-want +got):\n%s", what, cmp.Diff(lines(want[0], line), heard))
	}
}

func lines(events []told, line func(told) string) []string {
	var all []string
	for _, e := range events {
		all = append(all, line(e))
	}
	return all
}

// recorded is a record, of which a part was read.
type recorded struct {
	path string
	read int
}

// next waits until what was recorded since the last call is one of the lists, or the time is over. What comes too much
// comes with the next call.
func (r *recorded) next(want [][]told, line func(told) string) []string {
	var heard []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(r.path)
		heard = strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })[r.read:]
		done := func(events []told) bool { return slices.Equal(lines(events, line), heard) }
		if slices.ContainsFunc(want, done) {
			break
		}
	}
	r.read += len(heard)
	return heard
}

// newRouter draws a lab of two IPv4 uplinks on OpenWrt, whose first has a tracker with that many rounds to go offline.
func newRouter(t *testing.T, down string) *lab.Lab {
	t.Helper()
	l, err := lab.New(2)
	labtest.Check(t, err)
	files, err := filepath.Abs("../../openwrt/files")
	labtest.Check(t, err)
	labtest.Check(t, lab.Install(os.Getenv(labtest.BinEnv)))
	labtest.Check(t, l.BecomeOpenWrt(files))
	labtest.Check(t, configure(l, down))
	t.Cleanup(func() {
		if log, err := os.ReadFile(lab.LogFile); err == nil && t.Failed() {
			t.Logf("the router's log:\n%s", log)
		}
	})
	return l
}

func configure(l *lab.Lab, down string) error {
	text := l.Sections(lab.Quick(), 4) + "config interface 'wan'\n\toption down '" + down + "'\n"
	return os.WriteFile("/etc/config/mwan3", []byte(text), 0o600)
}

// reloadWith changes the first tracker and reloads.
func reloadWith(l *lab.Lab, down string) func() error {
	return func() error {
		if err := configure(l, down); err != nil {
			return err
		}
		return command("/etc/init.d/mwan3", "reload")()
	}
}

func command(args ...string) func() error {
	return func() error { return exec.Command(args[0], args[1:]...).Run() }
}

func install(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	labtest.Check(t, os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode))
}
