package main

import (
	"fmt"
	"time"

	"mwan3/health"
	"mwan3/syslog"
	"mwan3track/probe"
)

// judge says whether a target counts as up. It is called once for each target that a round has asked. With check_quality its figures decide; those between the thresholds for
// failure and recovery leave the target's last verdict as it is.
func (m *machine) judge(i int, result probe.Result) bool {
	t := m.tracking
	if !t.CheckQuality {
		return result.OK
	}
	latency, loss := figures(result)
	switch {
	case loss >= t.FailureLoss || latency >= milliseconds(t.FailureLatency):
		m.good[i] = false
	case loss <= t.RecoveryLoss && latency <= milliseconds(t.RecoveryLatency):
		m.good[i] = true
	}
	return m.good[i]
}

// presume gives all targets a verdict before their first probe: that of the interface.
func (m *machine) presume(up bool) {
	for i := range m.good {
		m.good[i] = up
	}
}

// figures returns latency in milliseconds and loss in percent as the files have them.
func figures(result probe.Result) (latency, loss int) {
	if !result.OK || result.Loss >= health.DeadLoss {
		return health.DeadLatency, health.DeadLoss
	}
	return milliseconds(result.Latency), result.Loss
}

func milliseconds(d time.Duration) int { return int(d / time.Millisecond) }

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
		m.method(a.result), outcome, m.tracking.Targets[i], m.name, m.device, m.score)
	if a.result.Err != nil {
		m.log(syslog.Info, "Interface %s (%s): %s", m.name, m.device, a.result.Err)
	}
}

// method names the method, with check_quality and what it measured.
func (m *machine) method(result probe.Result) string {
	if !m.tracking.CheckQuality {
		return string(m.tracking.Method)
	}
	latency, loss := figures(result)
	return fmt.Sprintf("%s: latency=%dms loss=%d%%", m.tracking.Method, latency, loss)
}
