package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3track/probe"
)

func quality(ms, loss int) probe.Result {
	return probe.Result{OK: true, Latency: time.Duration(ms) * time.Millisecond, Loss: loss}
}

func TestQualityHasHysteresis(t *testing.T) {
	// failure_latency 1000, failure_loss 40, recovery_latency 500, recovery_loss 10
	for _, test := range []struct {
		name  string
		begin bool // the interface begins online
		give  []probe.Result
		want  []bool
	}{
		{"good figures", true, []probe.Result{quality(20, 0), quality(500, 10)}, []bool{true, true}},
		{"between the thresholds an online target stays up", true, []probe.Result{quality(501, 0), quality(999, 39)}, []bool{true, true}},
		{"between them an offline one stays down", false, []probe.Result{quality(501, 0), quality(20, 11)}, []bool{false, false}},
		{"latency fails at its threshold", true, []probe.Result{quality(1000, 0)}, []bool{false}},
		{"loss fails at its threshold", true, []probe.Result{quality(20, 40)}, []bool{false}},
		{"after a failure both have to recover", true,
			[]probe.Result{quality(1000, 0), quality(501, 0), quality(500, 11), quality(500, 10), quality(501, 33)},
			[]bool{false, false, false, true, true}},
		{"fractions of a millisecond do not count", true,
			[]probe.Result{{OK: true, Latency: 1000*time.Millisecond - 1}, {OK: true, Latency: time.Second}, {OK: true, Latency: 501*time.Millisecond - 1}},
			[]bool{true, false, true}},
		{"no answer at all", true, []probe.Result{lost, quality(600, 0)}, []bool{false, false}},
	} {
		s := section(3, 3, "192.0.2.1")
		s.Tracking.CheckQuality = true
		s.InitialOffline = !test.begin
		m := newMachine(s)
		m.connect("eth0")
		var got []bool
		for _, result := range test.give {
			got = append(got, m.judge(0, result))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestQualityIsWrittenAndLogged(t *testing.T) {
	s := section(3, 3, "192.0.2.1", "192.0.2.2", "192.0.2.3")
	s.Tracking.CheckQuality = true
	m := newMachine(s)
	m.connect("eth0")
	want := []string{
		"TRACK_192.0.2.1 down",
		`log 6 Check (ping: latency=999999ms loss=100%) failed for target "192.0.2.1" on interface wan (eth0). Current score: 6`,
		"TRACK_192.0.2.2 down",
		`log 6 Check (ping: latency=1200ms loss=33%) failed for target "192.0.2.2" on interface wan (eth0). Current score: 6`,
		"TRACK_192.0.2.3 up",
		"LATENCY_192.0.2.1 999999, LOSS_192.0.2.1 100, JITTER_192.0.2.1 0",
		"LATENCY_192.0.2.2 1200, LOSS_192.0.2.2 33, JITTER_192.0.2.2 0",
		"LATENCY_192.0.2.3 600, LOSS_192.0.2.3 0, JITTER_192.0.2.3 0",
		"LATENCY 900, LOSS 44, JITTER 0",
		"TURN 1, SCORE 6, LOST 0, TIME now",
	}
	if diff := cmp.Diff(want, lines(playRound(m, lost, quality(1200, 33), quality(600, 0)))); diff != "" {
		t.Error(diff)
	}
}

func TestAnIfupForgetsTheVerdictsBeforeIt(t *testing.T) {
	s := section(3, 3, "192.0.2.1")
	s.Tracking.CheckQuality = true
	m := newMachine(s)
	m.connect("eth0")
	m.judge(0, lost)
	m.connect("eth0")
	if !m.judge(0, quality(600, 0)) {
		t.Error("a target that failed before the ifup is still down")
	}
}

func TestAWindowOfProbesDecides(t *testing.T) {
	// failure_latency 1000, failure_loss 40, failure_jitter 100, recovery_latency 500, recovery_loss 10, recovery_jitter 50
	good, slow, middle := quality(20, 0), quality(1100, 0), quality(700, 0)
	for _, test := range []struct {
		name   string
		window int
		jitter bool // is looked at
		begin  bool // the interface begins online
		give   []probe.Result
		want   string // a letter for each: u up, d down
	}{
		{"one lost probe is a failure only while it is the last", 5, false, true, []probe.Result{good, lost, good, good}, "uduu"},
		{"the first may be lost", 10, false, true, []probe.Result{lost, good}, "du"},
		{"and is not known to be slow then", 10, false, true, []probe.Result{lost, middle}, "du"},
		{"two of five lost reach 40 percent", 5, false, true, []probe.Result{lost, lost, good}, "ddd"},
		{"after that the window has to be clean", 5, false, true,
			[]probe.Result{lost, lost, good, good, good, good, good}, "ddddddu"},
		{"parts of lost probes add up", 4, false, true, []probe.Result{quality(20, 50), quality(20, 50), quality(20, 50), quality(20, 50)}, "uuud"},
		{"slow answers count by their mean", 2, false, true, []probe.Result{good, slow, slow, good}, "uudd"},
		{"which has to be low to recover", 2, false, true, []probe.Result{slow, slow, middle, middle, good, good}, "dddduu"},
		{"an offline target needs good figures from the first answer", 5, false, false, []probe.Result{good}, "u"},
		{"and stays down between the thresholds", 5, false, false, []probe.Result{middle, middle}, "dd"},
		{"what nobody answers has no latency to recover by", 10, false, false, []probe.Result{lost, middle, quality(100, 0)}, "ddu"},
		{"jitter fails by itself", 3, true, true, []probe.Result{quality(20, 0), quality(119, 0), quality(220, 0)}, "uud"},
		{"and recovers below its own threshold", 2, true, true,
			[]probe.Result{quality(20, 0), quality(220, 0), quality(150, 0), quality(75, 0), quality(75, 0)}, "udddu"},
		{"in a window of one, too", 1, true, true, []probe.Result{quality(20, 0), quality(120, 0), quality(60, 0), quality(20, 0)}, "uddu"},
	} {
		s := section(3, 3, "192.0.2.1")
		s.Tracking.CheckQuality, s.Tracking.QualityWindow = true, test.window
		if test.jitter {
			s.Tracking.FailureJitter, s.Tracking.RecoveryJitter = 100*time.Millisecond, 50*time.Millisecond
		}
		s.InitialOffline = !test.begin
		m := newMachine(s)
		m.connect("eth0")
		got := ""
		for _, result := range test.give {
			got += map[bool]string{true: "u", false: "d"}[m.judge(0, result)]
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestWhyAProbeWasNotSentIsLogged(t *testing.T) {
	m := newMachine(section(3, 3, "192.0.2.1"))
	m.connect("eth0")
	want := []string{
		"TRACK_192.0.2.1 down",
		`log 6 Check (ping) failed for target "192.0.2.1" on interface wan (eth0). Current score: 6`,
		"log 6 Interface wan (eth0): reach 192.0.2.1: network is unreachable",
	}
	got := lines(playRound(m, probe.Result{Loss: 100, Err: errors.New("reach 192.0.2.1: network is unreachable")}))[:3]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
