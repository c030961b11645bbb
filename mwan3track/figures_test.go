package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/health"
	"mwan3track/probe"
)

// figuresOf returns the lines about figures that a round brings.
func figuresOf(m *machine, now time.Time, results ...probe.Result) []string {
	var all []string
	for _, line := range lines(m.finish(now, ask(m, results...))) {
		if strings.HasPrefix(line, "LATENCY") {
			all = append(all, line)
		}
	}
	return all
}

func TestFiguresAreToldOncePerSecond(t *testing.T) {
	m := newMachine(section(3, 3, "192.0.2.1"))
	m.connect("eth0")
	begin := time.Unix(1e9, 0)
	for _, test := range []struct {
		after int // milliseconds
		give  probe.Result
		want  []string
	}{
		{0, quality(20, 0), []string{"LATENCY 20, LOSS 0, JITTER 0"}},
		{100, quality(30, 0), nil},
		{999, quality(40, 0), nil},
		{1000, quality(50, 0), []string{"LATENCY 50, LOSS 0, JITTER 10"}},
		{2000, quality(40, 0), []string{"LATENCY 40, LOSS 0, JITTER 10"}},
		{3000, quality(50, 0), []string{"LATENCY 50, LOSS 0, JITTER 10"}},
		{4000, quality(50, 0), []string{"LATENCY 50, LOSS 0, JITTER 0"}},
		{5000, quality(50, 0), nil},                                  // they are the same
		{5100, lost, []string{"LATENCY 999999, LOSS 100, JITTER 0"}}, // the target changes
		{5200, lost, nil},
		{5300, quality(70, 0), []string{"LATENCY 70, LOSS 0, JITTER 20"}},
	} {
		got := figuresOf(m, begin.Add(time.Duration(test.after)*time.Millisecond), test.give)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("after %d ms: %s", test.after, diff)
		}
	}
}

func TestFiguresOfTargetsAreToldWithCheckQualityOnly(t *testing.T) {
	for _, test := range []struct {
		quality bool
		want    []string
	}{
		{false, []string{"LATENCY 25, LOSS 33, JITTER 0"}},
		{true, []string{"LATENCY_192.0.2.1 20, LOSS_192.0.2.1 0, JITTER_192.0.2.1 0",
			"LATENCY_192.0.2.2 999999, LOSS_192.0.2.2 100, JITTER_192.0.2.2 0",
			"LATENCY_192.0.2.3 30, LOSS_192.0.2.3 0, JITTER_192.0.2.3 0",
			"LATENCY 25, LOSS 33, JITTER 0"}},
	} {
		s := section(3, 3, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
		s.Tracking.CheckQuality, s.Tracking.Reliability = test.quality, 2
		m := newMachine(s)
		m.connect("eth0")
		got := figuresOf(m, time.Unix(1e9, 0), quality(20, 0), lost, quality(30, 0), quality(1, 0))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("check_quality %t: %s", test.quality, diff)
		}
	}
}

func TestOnlyNewFiguresOfATargetAreTold(t *testing.T) {
	s := section(3, 3, "192.0.2.1", "192.0.2.2")
	s.Tracking.CheckQuality, s.Tracking.Reliability = true, 2
	m := newMachine(s)
	m.connect("eth0")
	figuresOf(m, time.Unix(1e9, 0), quality(20, 0), quality(20, 0))
	want := []string{"LATENCY_192.0.2.2 30, LOSS_192.0.2.2 0, JITTER_192.0.2.2 10", "LATENCY 25, LOSS 0, JITTER 5"}
	if diff := cmp.Diff(want, figuresOf(m, time.Unix(1e9+2, 0), quality(20, 0), quality(30, 0))); diff != "" {
		t.Error(diff)
	}
}

func TestFiguresAfterAnIfupDoNotWait(t *testing.T) {
	m := newMachine(section(3, 3, "192.0.2.1"))
	m.connect("eth0")
	figuresOf(m, time.Unix(1e9, 0), quality(20, 0))
	m.connect("eth0")
	want := []string{"LATENCY 90, LOSS 0, JITTER 0"}
	if diff := cmp.Diff(want, figuresOf(m, time.Unix(1e9, 1e8), quality(90, 0))); diff != "" {
		t.Error(diff)
	}
}

func TestARoundThatAsksNobodyHasNoFigures(t *testing.T) {
	m := newMachine(section(3, 3, "192.0.2.1"))
	m.connect("eth0")
	if f, ok := m.figures(make([]answer, 1)); ok {
		t.Errorf("it has %v", f)
	}
}

func TestAQuietRoundCostsNoMemoryForJudging(t *testing.T) {
	s := section(3, 3, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
	s.Tracking.Reliability, s.Tracking.CheckQuality, s.Tracking.QualityWindow = 4, true, 100
	s.Tracking.TimeoutMax, s.Tracking.FlapDamping = 8*time.Second, time.Hour
	m := newMachine(s)
	m.connect("eth0")
	now, answers := time.Unix(1e9, 0), make([]answer, 4)
	step := func() {
		now = now.Add(100 * time.Millisecond)
		for i := range answers {
			answers[i] = answer{asked: true, result: answered}
			answers[i].up = m.judge(i, answered)
		}
		m.finish(now, answers)
		m.timeout()
	}
	for range 200 {
		step()
	}
	if allocs := testing.AllocsPerRun(100, step); allocs > 1 { // the action for TURN, SCORE and LOST
		t.Errorf("%g allocations", allocs)
	}
}

func TestWhatIsInTheFilesComesBack(t *testing.T) {
	store := health.Store{Dir: t.TempDir(), TrackDir: t.TempDir()}
	files, err := store.OpenTracker("wan")
	if err != nil {
		t.Fatal(err)
	}
	tr := &tracker{files: files, uptime: func() int { return 7 }}
	s := section(3, 3, "192.0.2.1")
	s.Tracking.CheckQuality = true
	m := newMachine(s)
	m.connect("eth0")
	for _, a := range append(playRound(m, quality(20, 0)), writeScore(5)) {
		tr.act(a)
	}
	want := health.Record{Status: health.StatusUnknown, Score: 5, Turn: 1, Time: 7, Figures: health.Figures{Latency: 20},
		Targets: []health.Target{{Host: "192.0.2.1", Status: "up", Figures: health.Figures{Latency: 20}}}}
	got := store.Record("wan", []string{"192.0.2.1"})
	got.PID = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
