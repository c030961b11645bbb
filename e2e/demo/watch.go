package main

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"e2e/lab"
)

// column is the time that one column of the chart stands for.
const column = 250 * time.Millisecond

// watcher asks a target of both families through each uplink, once per column, past mwan3.
type watcher struct {
	lab     *lab.Lab
	targets [2]netip.AddrPort // IPv4, IPv6
	start   time.Time         // of column 0

	mu      sync.Mutex
	answers map[moment][2]bool
}

// moment is a column of one device's row.
type moment struct {
	device string
	column int
}

// run watches until ctx ends.
func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(column)
	defer tick.Stop()
	for {
		w.look()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look asks through all uplinks at once.
func (w *watcher) look() {
	now := int(time.Since(w.start) / column)
	answers := make([][2]bool, len(uplinks()))
	var open sync.WaitGroup
	for i, uplink := range uplinks() {
		for family, target := range w.targets {
			open.Go(func() {
				answers[i][family] = w.lab.AskThrough(uplink.device, target, column*2/3) == nil
			})
		}
	}
	open.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, uplink := range uplinks() {
		w.answers[moment{uplink.device, now}] = answers[i]
	}
}

// at returns which families came through a device in a column; false if nobody looked.
func (w *watcher) at(device string, column int) (both [2]bool, seen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	both, seen = w.answers[moment{device, column}]
	return both, seen
}
