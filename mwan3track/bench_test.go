//go:build go1.25

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/iproute"
	"mwan3/network"
	"mwan3/syslog"
	"mwan3track/probe"
)

// bench is a tracker whose router is the test. Its fields are written between synctest.Wait and the next step only.
type bench struct {
	t        *testing.T
	begin    time.Time
	signals  chan os.Signal
	ended    chan error
	store    health.Store
	settings settings
	missing  error // of Settings
	found    link
	blind    error // of Look
	answer   probe.Result
	hang     bool          // probes do not end before they are interrupted
	busy     time.Duration // what it takes to tell an event
	applying time.Duration // what it takes to apply a verdict
	events   chan iproute.Event
	mu       sync.Mutex
	notes    []string // what happened, with the second in which it did
	opened   []probe.Path
}

func newBench(t *testing.T, s config.Interface) *bench {
	b := &bench{t: t, begin: time.Now(), signals: make(chan os.Signal, 16), ended: make(chan error, 1), answer: answered,
		events: make(chan iproute.Event)}
	b.store = health.Store{Dir: filepath.Join(t.TempDir(), "mwan3"), TrackDir: filepath.Join(t.TempDir(), "mwan3track")}
	b.settings = settings{section: s, mask: config.DefaultMask}
	b.found = link{up: true, index: 7, path: probe.Path{Family: network.IPv4, Device: "eth0", Source: netip.MustParseAddr("192.0.2.1"), Mark: 0x3f00}}
	return b
}

func (b *bench) start() {
	t := &tracker{eyes: b, voice: b, log: b, store: b.store, signals: b.signals, open: b.open, lookup: b.lookup,
		uptime: func() int { return 1000 + int(time.Since(b.begin).Seconds()) }}
	go func() { b.ended <- t.run(b.settings) }()
	synctest.Wait()
}

func (b *bench) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, fmt.Sprintf("%g ", time.Since(b.begin).Seconds())+fmt.Sprintf(format, args...))
}

func (b *bench) Write(_ syslog.Severity, text string) { b.note("log %s", text) }
func (b *bench) Close() error                         { return nil }

func (b *bench) Settings(context.Context, string) (settings, error) {
	b.publish()
	return b.settings, b.missing
}

func (b *bench) Look(context.Context, settings) (link, error) {
	b.publish()
	return b.found, b.blind
}

func (b *bench) Watch(context.Context) (<-chan iproute.Event, error) { return b.events, nil }

func (b *bench) Apply(event hotplug.Event) error {
	b.note("apply %s", event.Action)
	time.Sleep(b.applying)
	return nil
}

func (b *bench) Call(event hotplug.Event) error {
	b.note("call %s %s %s first=%t", event.Action, event.Interface, event.Device, event.First)
	time.Sleep(b.busy)
	return nil
}

func (b *bench) open(path probe.Path, _ config.Tracking) (probe.Prober, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, path)
	return b, nil
}

func (b *bench) Probe(ctx context.Context, target probe.Target) probe.Result {
	b.note("probe %s", target.Addr)
	if b.hang {
		select {
		case <-ctx.Done():
			return probe.Result{Err: ctx.Err()}
		case <-time.After(target.Timeout):
			return lost
		}
	}
	return b.answer
}

func (b *bench) lookup(_ context.Context, family network.Family, host string) ([]netip.Addr, error) {
	b.note("lookup %s %s", family, host)
	if b.answer.OK {
		return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.80")}, nil
	}
	return nil, errors.New("no such host")
}

// publish lets the tracker see what the test has changed: everybody takes the lock before looking.
func (b *bench) publish() {
	b.mu.Lock()
	defer b.mu.Unlock()
}

// after lets time pass.
func (b *bench) after(d time.Duration) {
	b.publish()
	time.Sleep(d)
	synctest.Wait()
}

func (b *bench) signal(signals ...os.Signal) {
	for _, signal := range signals {
		b.signals <- signal
	}
	synctest.Wait()
}

// stop ends the tracker and forgets what it said to that.
func (b *bench) stop() {
	n := len(b.notes)
	b.signal(syscall.SIGTERM)
	if err := <-b.ended; err != nil {
		b.t.Error(err)
	}
	b.notes = b.notes[:n]
}

// questions returns the lookups and probes since the last time.
func (b *bench) questions() []string {
	var questions []string
	for _, note := range b.notes {
		if strings.Contains(note, " lookup ") || strings.Contains(note, " probe ") {
			questions = append(questions, note)
		}
	}
	b.notes = nil
	return inOrder(questions)
}

// expect compares what happened since the last time.
func (b *bench) expect(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(inOrder(want), inOrder(b.notes)); diff != "" {
		b.t.Error(diff)
	}
	b.notes = nil
}

// inOrder sorts what happened at the same moment in different goroutines: first what the tracker did, then what was
// told, then what was asked.
func inOrder(notes []string) []string {
	rank := func(note string) (moment string, rank int) {
		moment, what, _ := strings.Cut(note, " ")
		switch what, _, _ := strings.Cut(what, " "); what {
		case "call":
			return moment, 1
		case "lookup", "probe":
			return moment, 2
		}
		return moment, 0
	}
	notes = slices.Clone(notes)
	slices.SortStableFunc(notes, func(a, b string) int {
		momentA, rankA := rank(a)
		momentB, rankB := rank(b)
		switch {
		case momentA != momentB:
			return 0
		case rankA == 2 && rankB == 2:
			return strings.Compare(a, b)
		}
		return rankA - rankB
	})
	return notes
}

func (b *bench) file(name string) string {
	text, err := os.ReadFile(filepath.Join(b.store.TrackDir, "wan", name))
	if err != nil {
		return "missing"
	}
	return strings.TrimSuffix(string(text), "\n")
}

// files compares the status files.
func (b *bench) files(want string) {
	b.t.Helper()
	var got []string
	for _, name := range []string{"STATUS", "STARTED", "ONLINE", "OFFLINE", "TIME", "LOST", "SCORE", "TURN"} {
		got = append(got, b.file(name))
	}
	if have := strings.Join(got, " "); have != want {
		b.t.Errorf("files are %s, want %s", have, want)
	}
}
