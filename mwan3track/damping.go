package main

import (
	"math"
	"time"

	"mwan3/syslog"
)

// damping is the penalty for an interface that keeps failing, as RFC 2439 has it for routes that flap: each "disconnected"
// adds 1, and with time it halves and halves. It never is 3 or more, as an interface that is held cannot be disconnected:
// so nothing is held for longer than 1.6 half-lives.
type damping struct {
	halfLife time.Duration // option flap_damping; 0: no penalty
	failures int           // not in the penalty yet
	penalty  float64       // as it was at the time
	time     time.Time
	held     bool
}

// Penalties above which holding begins and below which it ends (RFC 2439 section 4.2: cutoff and reuse threshold).
const (
	cutoff = 2.0
	reuse  = 1.0
)

// forget ends holding and forgives all failures.
func (d *damping) forget() { *d = damping{halfLife: d.halfLife} }

// fail notes a failure; settle adds it to the penalty.
func (d *damping) fail() {
	if d.halfLife > 0 {
		d.failures++
	}
}

// settle brings the penalty up to date and tells whether that makes holding begin or end.
func (d *damping) settle(now time.Time) (turned bool) {
	if d.penalty == 0 && d.failures == 0 {
		return false
	}
	before := d.held
	if age := now.Sub(d.time); d.penalty > 0 && age > 0 {
		d.penalty *= math.Exp2(-float64(age) / float64(d.halfLife))
	}
	d.penalty += float64(d.failures)
	d.time, d.failures = now, 0
	switch {
	case d.penalty > cutoff:
		d.held = true
	case d.penalty < reuse:
		d.held = false
	}
	return d.held != before
}

// rest is how long holding goes on if nothing more fails.
func (d *damping) rest() time.Duration {
	return time.Duration(float64(d.halfLife) * math.Log2(d.penalty/reuse)).Round(time.Second)
}

// damp brings the penalty up to date and logs when it begins or ends to hold the interface.
func (m *machine) damp(now time.Time) {
	if !m.damping.settle(now) {
		return
	}
	if m.damping.held {
		m.log(syslog.Notice, "Interface %s (%s) fails too often: held offline for %s (flap_damping)",
			m.name, m.device, m.damping.rest())
		return
	}
	m.log(syslog.Notice, "Interface %s (%s) is not held offline any more (flap_damping)", m.name, m.device)
}
