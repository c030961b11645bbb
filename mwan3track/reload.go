package main

import (
	"errors"
	"time"

	"mwan3/reply"
	"mwan3/syslog"
)

// reading is what the tracker knows of its readings of the config, which another goroutine does: no verdict waits for one.
type reading struct {
	done  chan fresh
	found *fresh        // what the last one brought, until it is taken in
	busy  bool          // it is under way
	due   time.Time     // when another one has to begin; zero: never
	pause time.Duration // until it is tried again after it has failed
}

type fresh struct {
	settings settings
	err      error
}

// reload has the config read again.
func (t *tracker) reload() error {
	t.reading.due, t.reading.pause = time.Now(), lookPause
	return nil
}

// readAgain takes in what a reading has brought, and begins one that is due. What came before a reload that is due does
// not count: the config may have changed since.
func (t *tracker) readAgain() error {
	r := &t.reading
	if found := r.found; found != nil {
		r.found, r.busy = nil, false
		if r.due.IsZero() {
			if err := t.adopt(found.settings, found.err); err != nil {
				return err
			}
		}
	}
	if !r.due.IsZero() && !r.busy && !time.Now().Before(r.due) {
		t.read()
	}
	return nil
}

// read begins a reading.
func (t *tracker) read() {
	t.reading.busy, t.reading.due = true, time.Time{}
	t.noteWrite(t.files.ForgetSettings())
	ctx, name := t.sight.ctx, t.settings.section.Name
	go func() {
		s, err := t.eyes.Settings(ctx, name)
		select {
		case t.reading.done <- fresh{s, err}:
		case <-ctx.Done():
		}
	}()
}

// adopt makes the tracker go on with what the config says by now. Where that is the same as before the network is looked
// at. A reading that has failed is tried again, ever more rarely: mwan3 is missing for a moment when it is being upgraded.
func (t *tracker) adopt(s settings, err error) error {
	switch {
	case errors.As(err, &reply.Untracked{}):
		t.logf(syslog.Notice, "Interface %s: %s", t.settings.section.Name, err)
		return errStopped
	case err != nil:
		t.logf(syslog.Warning, "Interface %s: keeping the old configuration: %s", t.settings.section.Name, err)
		t.reading.due = time.Now().Add(t.reading.pause)
		t.reading.pause *= 2
		return nil
	case s.String() == t.settings.String():
		t.noteWrite(t.files.SetSettings(s.String()))
		t.lookSoon(0)
		return nil
	}
	t.noteWrite(t.files.Clean())
	return t.begin(s)
}
