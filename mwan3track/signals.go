package main

import (
	"os"
	"syscall"
	"time"
)

// requests are what signals, and the kernel, have asked for since the last step.
type requests struct{ lost, ifdown, ifup, reload, stop bool }

// await waits for work that may take long and notes the signals that arrive meanwhile. Only SIGTERM does not wait for
// its end: the work goes on by itself then.
func (t *tracker) await(work func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	for !t.pending.stop {
		select {
		case <-done:
			return nil
		case signal := <-t.signals:
			t.note(signal)
		case signal := <-t.stop:
			t.note(signal)
		}
	}
	return t.stopped()
}

// obey does what signals and the kernel asked for: ifdown before ifup, as upstream.
func (t *tracker) obey() error {
	todo := t.pending
	t.pending = requests{}
	if todo.stop {
		return t.stopped()
	}
	for _, request := range []struct {
		made bool
		obey func() error
	}{{todo.lost, t.lost}, {todo.ifdown, t.ifdown}, {todo.ifup, t.ifup}, {todo.reload, t.reload}} {
		if !request.made {
			continue
		}
		if err := request.obey(); err != nil {
			return err
		}
	}
	return nil
}

func (t *tracker) lost() error { return t.cut("its device cannot send any more") }

func (t *tracker) ifdown() error {
	t.abandon()
	t.blind = false
	return t.do(t.machine.ifdown())
}

func (t *tracker) ifup() error {
	t.abandon()
	t.schedule.next = time.Now()
	if err := t.do(t.machine.ifup()); err != nil {
		return err
	}
	return t.connect()
}

// note remembers a signal until it can be obeyed.
func (t *tracker) note(signal os.Signal) {
	switch signal {
	case syscall.SIGUSR1:
		t.pending.ifdown, t.pending.ifup = true, false // an ifup before it is over
	case syscall.SIGUSR2:
		t.pending.ifup = true
	case syscall.SIGHUP:
		t.pending.reload = true
	case syscall.SIGTERM, syscall.SIGINT:
		t.pending.stop = true
	}
}

func (t *tracker) stopped() error {
	for _, line := range t.machine.stop() {
		t.act(line)
	}
	return errStopped
}
