package main

import (
	"context"

	"mwan3/health"
	"mwan3track/probe"
)

// worker is the goroutine that waits for targets, one probe at a time. What it works with may be changed only while it
// has nothing to do.
type worker struct {
	names   *names
	jobs    chan job
	results chan probe.Result

	ctx    context.Context // of the probes; interrupt ends it
	cancel context.CancelFunc
}

type job struct {
	ctx    context.Context
	prober probe.Prober
	names  *names
	target int
}

func startWorker() *worker {
	w := &worker{jobs: make(chan job), results: make(chan probe.Result)}
	go func() {
		defer close(w.results)
		for job := range w.jobs {
			w.results <- job.run()
		}
	}()
	return w
}

// start has a target probed. The result must be taken from results.
func (w *worker) start(prober probe.Prober, target int) {
	if w.ctx == nil {
		w.ctx, w.cancel = context.WithCancel(context.Background())
	}
	w.jobs <- job{w.ctx, prober, w.names, target}
}

// interrupt makes the running probe end at once; its result means nothing.
func (w *worker) interrupt() {
	if w.cancel != nil {
		w.cancel()
		w.ctx, w.cancel = nil, nil
	}
}

// stop ends the goroutine, which has nothing to do, and waits for it.
func (w *worker) stop() {
	w.interrupt()
	close(w.jobs)
	<-w.results
}

func (j job) run() probe.Result {
	target, err := j.names.target(j.ctx, j.target)
	if err != nil {
		return probe.Result{Loss: health.DeadLoss, Err: err}
	}
	return j.prober.Probe(j.ctx, target)
}
