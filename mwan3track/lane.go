package main

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
	"mwan3track/probe"
)

// lane carries one round at a time: for each target that it has ever asked it keeps a goroutine with its socket. Rounds
// that overlap go on lanes of their own; while all is well the first one is enough. The tracker's goroutine owns it.
type lane struct {
	round    *round   // nil: the lane is free
	open     int      // questions without an outcome
	askers   []*asker // by target, for each turn; nil: never asked
	outcomes chan<- outcome
	running  sync.WaitGroup

	ctx    context.Context // of the round's probes; interrupt ends it
	cancel context.CancelFunc
}

// outcome is what a lane heard of a target.
type outcome struct {
	inquiry
	lane   *lane
	result probe.Result
}

// question is what a lane asks a target.
type question struct {
	inquiry
	path     probe.Path
	index    int // of the path's device
	tracking config.Tracking
	name     *name
}

func newLane(targets int, outcomes chan<- outcome) *lane {
	l := &lane{askers: make([]*asker, turns*targets), outcomes: outcomes}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// ask has a target asked. Its outcome comes later, and it always comes.
func (l *lane) ask(q question, open opener) {
	i := q.target*turns + q.turn
	if l.askers[i] == nil {
		a := &asker{open: open, jobs: make(chan job, 1)}
		l.askers[i] = a
		l.running.Add(1)
		go func() {
			defer l.running.Done()
			for job := range a.jobs {
				l.outcomes <- outcome{job.inquiry, l, a.ask(job)}
			}
			a.close()
		}()
	}
	l.open++
	l.askers[i].jobs <- job{l.ctx, q}
}

// interrupt makes the probes that wait end at once. What they say means nothing.
func (l *lane) interrupt() {
	l.cancel()
	l.ctx, l.cancel = context.WithCancel(context.Background())
}

// stop ends the goroutines, which have nothing to do, and waits for them.
func (l *lane) stop() {
	l.cancel()
	for _, a := range l.askers {
		if a != nil {
			close(a.jobs)
		}
	}
	l.running.Wait()
}

// opener makes the Prober of a method.
type opener func(path probe.Path, tracking config.Tracking) (probe.Prober, error)

// asker asks one target. It keeps its Prober while that works and the path stays the same.
type asker struct {
	open   opener
	jobs   chan job
	prober probe.Prober // nil: to be opened
	path   probe.Path   // that it was opened for
	index  int          // likewise: a device that comes back under its name is another one
}

type job struct {
	ctx context.Context
	question
}

// ask asks, and again while the kernel does not let the address be used yet: a new IPv6 address is tentative for a second or
// two (RFC 4862 section 5.4), which says nothing about the uplink.
func (a *asker) ask(j job) probe.Result {
	end := time.Now().Add(j.timeout)
	for {
		result := a.askOnce(j, time.Until(end))
		tentative := j.path.Family == network.IPv6 && errors.Is(result.Err, syscall.EADDRNOTAVAIL)
		if !tentative || time.Until(end) <= tentativePause || !sleep(j.ctx, tentativePause) {
			return result
		}
	}
}

func (a *asker) askOnce(j job, timeout time.Duration) probe.Result {
	begin := time.Now()
	target, err := j.name.target(j.ctx, timeout)
	if err != nil {
		return probe.Result{Loss: health.DeadLoss, Err: err}
	}
	if target.Timeout = timeout - time.Since(begin); target.Timeout <= 0 {
		return probe.Result{Loss: health.DeadLoss}
	}
	if a.prober == nil || a.path != j.path || a.index != j.index {
		a.close()
		if a.prober, err = a.open(j.path, j.tracking); err != nil {
			a.prober = nil
			return probe.Result{Loss: health.DeadLoss, Err: err}
		}
		a.path, a.index = j.path, j.index
	}
	result := a.prober.Probe(j.ctx, target)
	if !result.OK && j.ctx.Err() == nil {
		a.close() // the device may be another one by now
		j.name.doubt()
	}
	return result
}

// tentativePause is the time between two tries to use an address that cannot be used yet.
const tentativePause = 100 * time.Millisecond

// sleep tells whether ctx lets it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *asker) close() {
	if a.prober != nil {
		_ = a.prober.Close()
		a.prober = nil
	}
}
