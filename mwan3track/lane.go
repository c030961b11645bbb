package main

import (
	"context"
	"sync"
	"time"

	"mwan3/config"
	"mwan3/health"
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
}

type job struct {
	ctx context.Context
	question
}

func (a *asker) ask(j job) probe.Result {
	begin := time.Now()
	target, err := j.name.target(j.ctx, j.timeout)
	if err != nil {
		return probe.Result{Loss: health.DeadLoss, Err: err}
	}
	if target.Timeout = j.timeout - time.Since(begin); target.Timeout <= 0 {
		return probe.Result{Loss: health.DeadLoss}
	}
	if a.prober == nil || a.path != j.path {
		a.close()
		if a.prober, err = a.open(j.path, j.tracking); err != nil {
			a.prober = nil
			return probe.Result{Loss: health.DeadLoss, Err: err}
		}
		a.path = j.path
	}
	result := a.prober.Probe(j.ctx, target)
	if !result.OK && j.ctx.Err() == nil {
		a.close() // the device may be another one by now
		j.name.doubt()
	}
	return result
}

func (a *asker) close() {
	if a.prober != nil {
		_ = a.prober.Close()
		a.prober = nil
	}
}
