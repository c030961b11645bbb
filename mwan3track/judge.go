package main

import (
	"fmt"

	"mwan3/health"
	"mwan3/syslog"
	"mwan3track/probe"
)

// watched is what the machine knows about a target.
type watched struct {
	window window
	good   bool // by its figures; those between the thresholds leave this as it is
	trip   roundTrip

	status  health.TargetStatus // as the last round said
	written health.Figures      // those in the files; Latency unwritten: there are none
}

// unwritten is no latency.
const unwritten = -1

// judge says whether a target counts as up. It is called once for each target that a round has asked, when it has answered
// or when the time is over. A target that does not answer is down at once; with check_quality one that does is up only if
// its figures over the window are good, too.
func (m *machine) judge(i int, result probe.Result) bool {
	t := &m.targets[i]
	t.window.add(result)
	if heard(result) {
		t.trip.measure(result.Latency)
		m.silence = 0
	}
	if !m.tracking.CheckQuality {
		return result.OK
	}
	t.good = m.approves(t.window.figures(), t.good)
	return result.OK && t.good
}

// hear takes in what came of a question when its round was over, and had judged it, and says whether that is an answer which
// counts as up.
func (m *machine) hear(i int, result probe.Result) bool {
	if !heard(result) {
		return false
	}
	t := &m.targets[i]
	t.trip.measure(result.Latency)
	m.silence = 0
	return result.OK && (t.good || !m.tracking.CheckQuality)
}

// miss takes in that questions were not answered that decide nothing.
func (m *machine) miss(i, questions int) {
	for range questions {
		m.targets[i].window.add(probe.Result{Loss: health.DeadLoss})
	}
}

// approves says whether figures are good: not if any has reached its threshold for failure; if all have reached theirs for
// recovery; as before, if neither is so. Where nothing was answered, loss alone decides.
func (m *machine) approves(f health.Figures, before bool) bool {
	t := &m.tracking
	switch {
	case f.Loss >= t.FailureLoss,
		f.Latency >= milliseconds(t.FailureLatency) && f.Latency != health.DeadLatency,
		t.FailureJitter > 0 && f.Jitter >= milliseconds(t.FailureJitter):
		return false
	case f.Loss <= t.RecoveryLoss && f.Latency <= milliseconds(t.RecoveryLatency) &&
		(t.RecoveryJitter == 0 || f.Jitter <= milliseconds(t.RecoveryJitter)):
		return true
	}
	return before
}

// forget drops what was measured and counted: it was another connection's.
func (m *machine) forget() {
	m.damping.forget()
	m.silence, m.changed = 0, true
	for i := range m.targets {
		m.targets[i].window.forget()
		m.targets[i].trip = roundTrip{}
	}
}

// presume gives all targets a verdict before their first probe: that of the interface.
func (m *machine) presume(up bool) {
	for i := range m.targets {
		m.targets[i].good = up
	}
}

// logCheck logs only what speaks against the present state: successes while offline, failures while online.
func (m *machine) logCheck(i int, a answer) {
	if a.up != (m.score <= m.tracking.Up) {
		return
	}
	outcome := "failed"
	if a.up {
		outcome = "success"
	}
	m.log(syslog.Info, "Check (%s) %s for target %q on interface %s (%s). Current score: %d",
		m.method(i), outcome, m.tracking.Targets[i], m.name, m.device, m.score)
	if a.result.Err != nil {
		m.log(syslog.Info, "Interface %s (%s): %s", m.name, m.device, a.result.Err)
	}
}

// method names the method, with check_quality and the figures that decide about a target.
func (m *machine) method(i int) string {
	t := &m.tracking
	if !t.CheckQuality {
		return string(t.Method)
	}
	f := m.targets[i].window.figures()
	text := fmt.Sprintf("%s: latency=%dms loss=%d%%", t.Method, f.Latency, f.Loss)
	if t.FailureJitter > 0 || t.RecoveryJitter > 0 {
		text += fmt.Sprintf(" jitter=%dms", f.Jitter)
	}
	return text
}
