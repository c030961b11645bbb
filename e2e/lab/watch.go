package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"e2e/probes"
	"e2e/timeline"
)

// How new connections are tried while one watches: many are under way at the same time, so that one that hangs hides none of
// the others.
const (
	knockPause    = 50 * time.Millisecond
	knockPatience = 700 * time.Millisecond
)

// watch is the watching of a provider that is going to fail.
type watch struct {
	isp *ISP
	tap *probes.Tap
	end chan struct{}
	all sync.WaitGroup

	mu          sync.Mutex
	failed      time.Time // when the provider did; zero before
	connections []knock
}

// knock is a try of a new connection.
type knock struct {
	begun, ended time.Time
	via          string // empty: it failed
}

// Event is something that has happened on the router. It has an age and no time, because clocks may differ.
type Event struct {
	Age  time.Duration
	Text string
}

// Watch begins to watch one provider, which is going to fail: the echo requests that it gets over IPv4, and new connections
// from client1 to a target.
func (w *World) Watch(provider string, to netip.AddrPort) error {
	isp, err := w.ISP(provider)
	if err != nil {
		return err
	}
	if w.watch != nil {
		return fmt.Errorf("%s is being watched already", w.watch.isp.Node.Name)
	}
	watched := &watch{isp: isp, end: make(chan struct{})}
	if watched.tap, err = isp.Node.Watch("customer"); err != nil {
		return err
	}
	watched.all.Go(func() { watched.knock(w.Client1, to) })
	w.watch = watched
	return nil
}

// Watch begins to watch the echo requests that pass a device of the node.
func (n *Node) Watch(device string) (tap *probes.Tap, err error) {
	err = n.Do(func() (err error) {
		tap, err = probes.Watch(device)
		return err
	})
	return tap, err
}

// knock tries new connections until the end.
func (w *watch) knock(from *Node, to netip.AddrPort) {
	for tick := time.NewTicker(knockPause); ; {
		select {
		case <-w.end:
			tick.Stop()
			return
		case <-tick.C:
		}
		w.all.Go(func() {
			k := knock{begun: time.Now()}
			k.via, _ = from.Ask("tcp", to, knockPatience)
			k.ended = time.Now()
			w.mu.Lock()
			defer w.mu.Unlock()
			w.connections = append(w.connections, k)
		})
	}
}

// note notes that something was done to a provider: the first time it is what makes the watched one fail.
func (w *watch) note(isp *ISP) {
	if w == nil || w.isp != isp {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed.IsZero() {
		w.failed = time.Now()
	}
}

// Watched ends the watching and hands over to Picture what was seen since a second before the provider failed, with the
// router's events among it. Another provider must have carried a connection since.
func (w *World) Watched(events ...Event) error {
	now, watched := time.Now(), w.watch
	if watched == nil {
		return errors.New("nothing is being watched")
	}
	w.watch = nil
	time.Sleep(knockPatience) // for connections through the new provider
	close(watched.end)
	watched.all.Wait()
	watched.tap.Close()
	if watched.failed.IsZero() {
		return fmt.Errorf("%s has not failed", watched.isp.Node.Name)
	}
	f, err := watched.failover(now, events)
	if err != nil || w.Picture == nil {
		return err
	}
	return w.Picture(f)
}

// runUp is how much is told of the time before the failure.
const runUp = time.Second

// failover puts together what was seen.
func (w *watch) failover(now time.Time, events []Event) (timeline.Failover, error) {
	var f timeline.Failover
	for _, p := range w.tap.Seen(probes.V4) {
		if at := p.Sent.Sub(w.failed); at >= -runUp {
			f.Probes = append(f.Probes, timeline.Probe{Sent: at, Answered: !p.Answered.IsZero()})
		}
	}
	if len(f.Probes) == 0 {
		return f, fmt.Errorf("no probe came to %s", w.isp.Node.Name)
	}
	slices.SortFunc(w.connections, func(a, b knock) int { return a.begun.Compare(b.begun) })
	var first time.Time // that another provider carried
	for _, k := range w.connections {
		at := k.begun.Sub(w.failed)
		if at >= -runUp {
			f.Connections = append(f.Connections, timeline.Connection{Begun: at, Ended: k.ended.Sub(w.failed), Via: k.via})
		}
		if at > 0 && k.via != "" && k.via != w.isp.Node.Name && first.IsZero() {
			first = k.begun
		}
	}
	if first.IsZero() {
		return f, fmt.Errorf("no other provider carried a connection after %s had failed", w.isp.Node.Name)
	}
	f.Moments = []timeline.Moment{{At: 0, Text: w.isp.Node.Name + " fails"}, {At: first.Sub(w.failed), Text: "first new connection elsewhere"}}
	for _, e := range events {
		at := now.Add(-e.Age).Sub(w.failed)
		if at < 0 {
			return f, fmt.Errorf("%s: %v before %s failed", e.Text, -at, w.isp.Node.Name)
		}
		f.Moments = append(f.Moments, timeline.Moment{At: at, Text: e.Text})
	}
	slices.SortStableFunc(f.Moments, func(a, b timeline.Moment) int { return int(a.At - b.At) })
	return f, nil
}
