package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mwan3/config"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/iproute"
	"mwan3/syslog"
	"mwan3track/probe"
)

// quiet is a router where all is well and nobody listens.
type quiet struct{}

func (quiet) Settings(context.Context, string) (settings, error) { return settings{}, nil }
func (quiet) Look(context.Context, settings) (link, error) {
	return link{up: true, path: probe.Path{Device: "eth0"}}, nil
}
func (quiet) Watch(context.Context) (<-chan iproute.Event, error)      { return nil, nil }
func (quiet) Apply(hotplug.Event) error                                { return nil }
func (quiet) Call(hotplug.Event) error                                 { return nil }
func (quiet) Write(syslog.Severity, string)                            {}
func (quiet) Close() error                                             { return nil }
func (quiet) Probe(context.Context, probe.Target) probe.Result         { return answered }
func (q quiet) open(probe.Path, config.Tracking) (probe.Prober, error) { return q, nil }

func quietTracker(t testing.TB) *tracker {
	t.Helper()
	s := section(5, 5, "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
	s.Tracking.Reliability = 4
	q := quiet{}
	tr := &tracker{eyes: q, voice: q, log: q, signals: make(chan os.Signal), open: q.open, uptime: uptime}
	tr.store = health.Store{Dir: filepath.Join(t.TempDir(), "a"), TrackDir: filepath.Join(t.TempDir(), "b")}
	files, err := tr.store.OpenTracker("wan")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tr.files, tr.timer, tr.outcomes, tr.herald = files, time.NewTimer(time.Hour), make(chan outcome), newHerald(q.Call)
	tr.watch(ctx)
	t.Cleanup(cancel)
	t.Cleanup(tr.closeLanes)
	if err := tr.begin(settings{section: s}); err != nil {
		t.Fatal(err)
	}
	return tr
}

// wholeRound has a round begin and end.
func wholeRound(t testing.TB, tr *tracker) {
	tr.schedule.next = time.Time{}
	err := tr.ask()
	for err == nil && len(tr.schedule.running) > 0 {
		tr.wait()
		err = tr.judge()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAQuietRoundLeavesLittleGarbage(t *testing.T) {
	tr := quietTracker(t)
	allocs := testing.AllocsPerRun(100, func() {
		wholeRound(t, tr)
	})
	if allocs > 4 { // the action for TURN, SCORE and LOST, and what the kernel is told
		t.Errorf("%g allocations", allocs)
	}
}

func BenchmarkRound(b *testing.B) {
	tr := quietTracker(b)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		wholeRound(b, tr)
	}
}
