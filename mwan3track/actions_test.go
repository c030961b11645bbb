package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/health"
)

// text prints an action as a line.
func text(a action) string {
	switch a := a.(type) {
	case writeStatus:
		return "STATUS " + string(a)
	case writeStarted:
		return map[bool]string{true: "STARTED 1", false: "STARTED 0"}[bool(a)]
	case writeSince:
		return map[bool]string{true: "ONLINE now, OFFLINE 0", false: "ONLINE 0, OFFLINE now"}[a == writeSince(health.StatusOnline)]
	case writeTarget:
		return "TRACK_" + a.Host + " " + string(a.Status)
	case writeQuality:
		return fmt.Sprintf("LATENCY_%[1]s %[2]d, LOSS_%[1]s %[3]d, JITTER_%[1]s %[4]d", a.Host, a.Figures.Latency, a.Figures.Loss, a.Figures.Jitter)
	case writeFigures:
		return fmt.Sprintf("LATENCY %d, LOSS %d, JITTER %d", a.Latency, a.Loss, a.Jitter)
	case writeScore:
		return fmt.Sprintf("SCORE %d", a)
	case writeRound:
		return fmt.Sprintf("TURN %d, SCORE %d, LOST %d, TIME now", a.Turn, a.Score, a.Lost)
	case say:
		return fmt.Sprintf("log %d %s", a.Severity, a.Text)
	case announce:
		return fmt.Sprintf("event %s %s %s first=%t", a.Action, a.Interface, a.Device, a.First)
	}
	panic(fmt.Sprintf("%T", a))
}

func lines(actions []action) []string {
	var all []string
	for _, a := range actions {
		all = append(all, text(a))
	}
	return all
}

func TestFilesAndLogLinesAreThoseOfUpstream(t *testing.T) {
	s := section(2, 2, "192.0.2.1", "name.example")
	s.Tracking.Count = 3
	m := newMachine(s)
	for _, step := range []struct {
		name string
		do   func() []action
		want string
	}{
		{"start", func() []action { return m.connect("eth0") }, `
			STARTED 1
			STATUS online
			ONLINE now, OFFLINE 0
			log 5 Interface wan (eth0) is online
			event connected wan eth0 first=true`},
		{"the first target answers", func() []action { return playRound(m, answered) }, `
			TRACK_192.0.2.1 up
			TRACK_name.example skipped
			LATENCY 23, LOSS 0, JITTER 0
			TURN 1, SCORE 4, LOST 0, TIME now`},
		{"only the second answers", func() []action { return playRound(m, lost, answered) }, `
			TRACK_192.0.2.1 down
			log 6 Check (ping) failed for target "192.0.2.1" on interface wan (eth0). Current score: 4
			TRACK_name.example up
			LATENCY 23, LOSS 50, JITTER 0
			TURN 2, SCORE 4, LOST 0, TIME now`},
		{"a bad round", func() []action { return playRound(m, lost, lost) }, `
			log 6 Check (ping) failed for target "192.0.2.1" on interface wan (eth0). Current score: 4
			TRACK_name.example down
			log 6 Check (ping) failed for target "name.example" on interface wan (eth0). Current score: 4
			LATENCY 999999, LOSS 100, JITTER 0
			STATUS disconnecting
			log 5 Interface wan (eth0) is disconnecting
			event disconnecting wan eth0 first=false
			TURN 3, SCORE 3, LOST 2, TIME now`},
		{"a good one", func() []action { return playRound(m, answered) }, `
			TRACK_192.0.2.1 up
			TRACK_name.example skipped
			LATENCY 23, LOSS 0, JITTER 0
			log 6 Lost 6 ping(s) on interface wan (eth0). Current score: 3
			STATUS online
			TURN 4, SCORE 4, LOST 0, TIME now`},
		{"bad again", func() []action { return playRound(m, lost, lost) }, `
			TRACK_192.0.2.1 down
			log 6 Check (ping) failed for target "192.0.2.1" on interface wan (eth0). Current score: 4
			TRACK_name.example down
			log 6 Check (ping) failed for target "name.example" on interface wan (eth0). Current score: 4
			LATENCY 999999, LOSS 100, JITTER 0
			STATUS disconnecting
			log 5 Interface wan (eth0) is disconnecting
			event disconnecting wan eth0 first=false
			TURN 5, SCORE 3, LOST 2, TIME now`},
		{"offline", func() []action { return playRound(m, lost, lost) }, `
			log 6 Check (ping) failed for target "192.0.2.1" on interface wan (eth0). Current score: 3
			log 6 Check (ping) failed for target "name.example" on interface wan (eth0). Current score: 3
			STATUS offline
			ONLINE 0, OFFLINE now
			log 5 Interface wan (eth0) is offline
			event disconnected wan eth0 first=false
			TURN 6, SCORE 0, LOST 4, TIME now`},
		{"still offline", func() []action { return playRound(m, lost, lost) }, `
			TURN 7, SCORE 0, LOST 6, TIME now`},
		{"back", func() []action { return playRound(m, answered) }, `
			TRACK_192.0.2.1 up
			log 6 Check (ping) success for target "192.0.2.1" on interface wan (eth0). Current score: 0
			TRACK_name.example skipped
			LATENCY 23, LOSS 0, JITTER 0
			log 6 Lost 18 ping(s) on interface wan (eth0). Current score: 0
			STATUS connecting
			log 5 Interface wan (eth0) is connecting
			event connecting wan eth0 first=false
			TURN 8, SCORE 1, LOST 0, TIME now`},
		{"online", func() []action { return playRound(m, answered) }, `
			log 6 Check (ping) success for target "192.0.2.1" on interface wan (eth0). Current score: 1
			STATUS online
			ONLINE now, OFFLINE 0
			log 5 Interface wan (eth0) is online
			event connected wan eth0 first=false
			TURN 1, SCORE 4, LOST 0, TIME now`},
		{"ifdown", m.ifdown, `
			log 6 Detect ifdown event on interface wan (eth0)
			STATUS offline
			ONLINE 0, OFFLINE now
			log 5 Interface wan (eth0) is offline
			event disconnected wan eth0 first=false
			STATUS disabled
			STARTED 0`},
		{"ifdown once more", m.ifdown, `
			log 6 Detect ifdown event on interface wan (eth0)`},
		{"ifup", m.ifup, `
			log 6 Detect ifup event on interface wan (eth0)`},
		{"on another device", func() []action { return m.connect("eth1") }, `
			STARTED 1
			STATUS online
			ONLINE now, OFFLINE 0
			log 5 Interface wan (eth1) is online
			event connected wan eth1 first=true`},
		{"the carrier is lost", func() []action { return m.cut("no carrier") }, `
			log 5 Interface wan (eth1): no carrier
			STATUS disconnecting
			log 5 Interface wan (eth1) is disconnecting
			event disconnecting wan eth1 first=false
			STATUS offline
			ONLINE 0, OFFLINE now
			log 5 Interface wan (eth1) is offline
			event disconnected wan eth1 first=false
			SCORE 0`},
		{"and is lost once more", func() []action { return m.cut("no carrier") }, ``},
		{"ifup after that", func() []action { return m.connect("eth1") }, `
			STARTED 1
			STATUS online
			ONLINE now, OFFLINE 0
			log 5 Interface wan (eth1) is online
			event connected wan eth1 first=true`},
		{"SIGTERM", m.stop, `
			log 5 Stopping mwan3track for interface "wan". Status was "online"`},
	} {
		want := strings.ReplaceAll(strings.TrimSpace(step.want), "\t", "")
		if diff := cmp.Diff(want, strings.Join(lines(step.do()), "\n")); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
}

func TestASkippedDisconnectIsLogged(t *testing.T) {
	s := section(2, 2, "192.0.2.1")
	s.InitialOffline = true
	m := newMachine(s)
	want := []string{"STARTED 1", "STATUS offline", "ONLINE 0, OFFLINE now"}
	if diff := cmp.Diff(want, lines(m.connect("eth0"))); diff != "" {
		t.Error(diff)
	}
	want = []string{"log 6 Detect ifdown event on interface wan (eth0)", "STATUS offline", "ONLINE 0, OFFLINE now",
		"log 5 Skip disconnected event for wan (eth0)", "STATUS disabled", "STARTED 0"}
	if diff := cmp.Diff(want, lines(m.ifdown())); diff != "" {
		t.Error(diff)
	}
}

func TestAnInterfaceThatIsNotUpIsDisabled(t *testing.T) {
	m := newMachine(section(2, 2, "192.0.2.1"))
	if diff := cmp.Diff([]string{"STATUS disabled", "STARTED 0"}, lines(m.connect(""))); diff != "" {
		t.Error(diff)
	}
	if !m.paused() {
		t.Error("it is not paused")
	}
}
