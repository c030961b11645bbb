package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"mwan3/syslog"
)

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
		}
	}
	return t.stopped()
}

// idle waits for the next round and does what signals ask for. It ends early when that makes a new round due.
func (t *tracker) idle(pause time.Duration) error {
	t.timer.Reset(pause)
	for {
		if due, err := t.obey(); due || err != nil {
			return err
		}
		var over <-chan time.Time
		if !t.machine.paused() || t.blind {
			over = t.timer.C
		}
		select {
		case <-over:
			return nil
		case signal := <-t.signals:
			t.note(signal)
		}
	}
}

// obey does what signals asked for: ifdown before ifup, as upstream.
func (t *tracker) obey() (due bool, err error) {
	todo := t.pending
	t.pending = struct{ ifdown, ifup, reload, stop bool }{}
	switch {
	case todo.stop:
		return false, t.stopped()
	case todo.ifdown:
		t.pending.ifup, t.pending.reload = todo.ifup, todo.reload
		t.blind = false
		if err := t.do(t.machine.ifdown()); err != nil {
			return false, err
		}
	case todo.ifup:
		t.pending.reload = todo.reload
		if err := t.do(t.machine.ifup()); err != nil {
			return false, err
		}
		err := t.connect()
		return !t.blind, err
	case todo.reload:
		return t.reload()
	default:
		return false, nil
	}
	return t.obey()
}

// reload reads the config again. Where it says the same as before about this interface nothing happens.
func (t *tracker) reload() (changed bool, err error) {
	fresh, err := t.eyes.Settings(t.settings.section.Name)
	if errors.Is(err, errNothing) {
		t.logf(syslog.Notice, "Interface %s: %s", t.settings.section.Name, err)
		return false, errStopped
	}
	if err != nil {
		t.logf(syslog.Warning, "Interface %s: keeping the old configuration: %s", t.settings.section.Name, err)
		return false, nil
	}
	if fresh.same(t.settings) {
		t.settings.config = fresh.config
		return false, nil
	}
	t.noteWrite(t.files.Clean())
	err = t.begin(fresh)
	return !t.blind, err
}

// note remembers a signal until it can be obeyed.
func (t *tracker) note(signal os.Signal) {
	switch signal {
	case syscall.SIGUSR1:
		t.pending.ifdown = true
	case syscall.SIGUSR2:
		t.pending.ifup = true
	case syscall.SIGHUP:
		t.pending.reload = true
	case syscall.SIGTERM, syscall.SIGINT:
		t.pending.stop = true
	}
}

// interrupted tells whether a signal makes the running round meaningless.
func (t *tracker) interrupted() bool { return t.pending.ifdown || t.pending.ifup || t.pending.stop }

func (t *tracker) stopped() error {
	for _, line := range t.machine.stop() {
		t.act(line)
	}
	return errStopped
}
