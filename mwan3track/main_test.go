package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestTheTrackerFollowsItsTarget(t *testing.T) {
	l := newMachineLab(t)
	for _, test := range []struct{ iface, family, target, prefix string }{
		{"wan", "ipv4", "192.0.2.7", "192.0.2.7/24"},
		{"wan6", "ipv6", "2001:db8::7", "2001:db8::7/64"},
	} {
		l.answer(test.prefix, true)
		l.config(wanSection(test.iface, test.family, test.target)...)
		cmd := l.start(test.iface)
		dir := "/var/run/mwan3track/" + test.iface + "/"
		l.await(dir+"TRACK_"+test.target, "up\n")
		l.await(dir+"STATUS", "online\n")
		l.await(dir+"PID", fmt.Sprintln(cmd.Process.Pid))
		event := " INTERFACE=" + test.iface + " DEVICE=up0"
		l.expectCalls("hotplug-call iface ACTION=connected FIRSTCONNECT=1" + event)

		l.answer(test.prefix, false)
		l.await(dir+"TRACK_"+test.target, "down\n")
		l.await(dir+"SCORE", "0\n")
		l.await(dir+"STATUS", "offline\n")
		l.expectCalls("hotplug-call iface ACTION=disconnecting"+event,
			"mwan3 hotplug ACTION=disconnected"+event, "hotplug-call iface ACTION=disconnected MWAN3_APPLIED=1"+event)

		l.answer(test.prefix, true)
		l.await(dir+"SCORE", "2\n")
		l.await(dir+"STATUS", "online\n")
		l.expectCalls("hotplug-call iface ACTION=connecting"+event,
			"mwan3 hotplug ACTION=connected FIRSTCONNECT="+event, "hotplug-call iface ACTION=connected FIRSTCONNECT= MWAN3_APPLIED=1"+event)

		must(t, cmd.Process.Signal(syscall.SIGUSR1))
		l.await(dir+"STARTED", "0\n")
		l.await(dir+"STATUS", "disabled\n")
		l.expectCalls("mwan3 hotplug ACTION=disconnected"+event, "hotplug-call iface ACTION=disconnected MWAN3_APPLIED=1"+event)
		must(t, cmd.Process.Signal(syscall.SIGUSR2))
		l.await(dir+"STARTED", "1\n")
		l.await(dir+"STATUS", "online\n")
		l.expectCalls("hotplug-call iface ACTION=connected FIRSTCONNECT=1" + event)

		must(t, cmd.Process.Signal(syscall.SIGTERM))
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		l.await(dir+"STATUS", "online\n")
		l.answer(test.prefix, false)
	}
}

func TestAReloadChangesTheTargets(t *testing.T) {
	l := newMachineLab(t)
	l.answer("192.0.2.7/24", true)
	l.answer("192.0.2.8/24", true)
	l.config(wanSection("wan", "ipv4", "192.0.2.7")...)
	cmd := l.start("wan")
	l.await("/var/run/mwan3track/wan/TRACK_192.0.2.7", "up\n")
	l.config(wanSection("wan", "ipv4", "192.0.2.8")...)
	must(t, cmd.Process.Signal(syscall.SIGHUP))
	l.await("/var/run/mwan3track/wan/TRACK_192.0.2.8", "up\n")
	if _, err := os.Stat("/var/run/mwan3track/wan/TRACK_192.0.2.7"); err == nil {
		t.Error("the old target's file is still there")
	}
	l.config("config interface wan", "option enabled 0")
	must(t, cmd.Process.Signal(syscall.SIGHUP))
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeTrackedIsSaid(t *testing.T) {
	l := newMachineLab(t)
	l.config("config interface off", "option enabled 0", "list track_ip 192.0.2.7", "",
		"config interface free", "option enabled 1", "option family ipv4")
	for _, test := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{nil, 1, "Usage: mwan3track <interface>\n"},
		{[]string{"a", "b"}, 1, "Usage: mwan3track <interface>\n"},
		{[]string{"none"}, 1, "mwan3track: interface none is not in the configuration\n"},
		{[]string{"../x"}, 1, "mwan3track: interface ../x is not in the configuration\n"},
		{[]string{"off"}, 1, "mwan3track: interface off is not enabled\n"},
		{[]string{"free"}, 0, "mwan3track: interface free has no track_ip, there is nothing to track\n"},
	} {
		cmd := exec.Command(l.tracker, test.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		err := cmd.Run()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else {
			must(t, err)
		}
		if code != test.code || stderr.String() != test.stderr {
			t.Errorf("%q: exit code %d, %q; want %d, %q", test.args, code, stderr.String(), test.code, test.stderr)
		}
	}
	if _, err := os.Stat("/var/run/mwan3track"); err == nil {
		t.Error("a directory was made")
	}
}

func TestATrackerThatCannotAskSaysWhatItCannotRun(t *testing.T) {
	l := newMachineLab(t)
	must(t, os.Remove("/usr/sbin/mwan3"))
	text, err := exec.Command(l.tracker, "wan").CombinedOutput()
	const want = "mwan3track: run /usr/sbin/mwan3 tracking wan: fork/exec /usr/sbin/mwan3: no such file or directory\n"
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 || string(text) != want {
		t.Errorf("%v, %q; want exit code 1, %q", err, text, want)
	}
}

func TestATrackerGoesOnWithoutMwan3(t *testing.T) {
	l := newMachineLab(t)
	l.answer("192.0.2.7/24", true)
	l.config(wanSection("wan", "ipv4", "192.0.2.7")...)
	cmd := l.start("wan")
	l.await("/var/run/mwan3track/wan/STATUS", "online\n")
	must(t, os.Rename("/usr/sbin/mwan3", "/usr/sbin/mwan3-away"))
	must(t, cmd.Process.Signal(syscall.SIGHUP))
	l.answer("192.0.2.7/24", false)
	l.await("/var/run/mwan3track/wan/STATUS", "offline\n")
	l.config(wanSection("wan", "ipv4", "192.0.2.8")...)
	l.answer("192.0.2.8/24", true)
	must(t, os.Rename("/usr/sbin/mwan3-away", "/usr/sbin/mwan3"))
	l.await("/var/run/mwan3track/wan/TRACK_192.0.2.8", "up\n")
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	must(t, cmd.Wait())
}

func TestTheTrackerProbesWithTheMethodOfTheConfig(t *testing.T) {
	l := newMachineLab(t)
	l.answer("192.0.2.7/24", true)
	l.config(append(wanSection("wan", "ipv4", "192.0.2.7"), "option track_method arping")...)
	l.start("wan")
	const dir = "/var/run/mwan3track/wan/"
	l.await(dir+"TRACK_192.0.2.7", "up\n")
	l.answer("192.0.2.7/24", false)
	l.await(dir+"STATUS", "offline\n")
	l.answer("192.0.2.7/24", true)
	l.await(dir+"STATUS", "online\n")
}
