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
		"LATENCY_192.0.2.1 999999, LOSS_192.0.2.1 100",
		"TRACK_192.0.2.1 down",
		`log 6 Check (ping: latency=999999ms loss=100%) failed for target "192.0.2.1" on interface wan (eth0). Current score: 6`,
		"LATENCY_192.0.2.2 1200, LOSS_192.0.2.2 33",
		"TRACK_192.0.2.2 down",
		`log 6 Check (ping: latency=1200ms loss=33%) failed for target "192.0.2.2" on interface wan (eth0). Current score: 6`,
		"LATENCY_192.0.2.3 600, LOSS_192.0.2.3 0",
		"TRACK_192.0.2.3 up",
		"STATUS online",
		"TURN 1, SCORE 6, LOST 0, TIME now",
	}
	if diff := cmp.Diff(want, lines(round(m, lost, quality(1200, 33), quality(600, 0)))); diff != "" {
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

func TestWhyAProbeWasNotSentIsLogged(t *testing.T) {
	m := newMachine(section(3, 3, "192.0.2.1"))
	m.connect("eth0")
	want := []string{
		"TRACK_192.0.2.1 down",
		`log 6 Check (ping) failed for target "192.0.2.1" on interface wan (eth0). Current score: 6`,
		"log 6 Interface wan (eth0): reach 192.0.2.1: network is unreachable",
	}
	got := lines(round(m, probe.Result{Loss: 100, Err: errors.New("reach 192.0.2.1: network is unreachable")}))[:3]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
