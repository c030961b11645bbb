package main

import (
	"fmt"

	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/syslog"
)

// do carries out what the machine decided, in order. The error is errStopped.
func (t *tracker) do(actions []action) error {
	for _, a := range actions {
		event, ok := a.(announce)
		if !ok {
			t.act(a)
			continue
		}
		if err := t.tell(hotplug.Event(event)); err != nil {
			return err
		}
	}
	return nil
}

// tell applies a verdict before anybody hears of it. At the first connect there is none: the configurator has brought
// the interface up as the config wants it.
func (t *tracker) tell(event hotplug.Event) error {
	if event.Action == hotplug.Connected && !event.First || event.Action == hotplug.Disconnected {
		if err := t.apply(event); err != nil {
			return err
		}
		event.Applied = true // or it will be: who hears of it may be so late that it is not true any more
	}
	t.herald.tell(event)
	return nil
}

// apply makes policies follow a verdict. One that could not be carried out is tried again after the next round.
func (t *tracker) apply(event hotplug.Event) error {
	var failed error
	err := t.await(func() { failed = t.voice.Apply(event) })
	if err != nil {
		return err
	}
	t.report(failed)
	t.unapplied = failed != nil
	return nil
}

// act writes a file or a line of the log.
func (t *tracker) act(a action) {
	switch a := a.(type) {
	case writeStatus:
		t.noteWrite(t.files.SetStatus(health.Status(a)))
	case writeStarted:
		t.noteWrite(t.files.SetStarted(bool(a)))
	case writeSince:
		t.noteWrite(t.since(health.Status(a)))
	case writeTarget:
		t.noteWrite(t.files.SetTarget(a.Host, a.Status))
	case writeQuality:
		t.noteWrite(t.files.SetQuality(a.Host, a.Figures))
	case writeFigures:
		t.noteWrite(t.files.SetFigures(health.Figures(a)))
	case writeScore:
		t.noteWrite(t.files.SetScore(int(a)))
	case writeRound:
		t.noteWrite(t.files.SetRound(health.Round(a), t.uptime()))
	case say:
		t.log.Write(a.Severity, a.Text)
	default:
		panic(fmt.Sprintf("unknown action %T", a))
	}
}

func (t *tracker) since(status health.Status) error {
	if status == health.StatusOnline {
		return t.files.SetSince(t.uptime(), 0)
	}
	return t.files.SetSince(0, t.uptime())
}

// noteWrite logs that files cannot be written, once and not in every round.
func (t *tracker) noteWrite(err error) {
	if err != nil && !t.complained {
		t.complained = true
		t.logf(syslog.Warning, "cannot write status: %s", err)
	}
}
