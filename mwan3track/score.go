package main

import (
	"fmt"
	"time"

	"mwan3/config"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/syslog"
	"mwan3track/probe"
)

// action is one thing to do that the score machine decided on: one of the types below. Order matters.
type action interface{}

type (
	writeStatus  health.Status // STATUS
	writeStarted bool          // STARTED
	writeSince   health.Status // online: ONLINE is now and OFFLINE 0; offline: the other way round
	writeTarget  struct {      // TRACK_<host>
		Host   string
		Status health.TargetStatus
	}
	writeQuality struct { // LATENCY_<host>, LOSS_<host> and JITTER_<host>
		Host    string
		Figures health.Figures
	}
	writeFigures health.Figures // LATENCY, LOSS and JITTER
	writeScore   int            // SCORE, between two rounds
	writeRound   health.Round   // LOST, SCORE, TURN, and TIME is now
	say          struct {       // a line in the log
		Severity syslog.Severity
		Text     string
	}
	announce hotplug.Event
)

// machine keeps the score of one interface (contracts 6). It is pure: what happened goes in, actions come out; they are
// valid until the next call. The score is 0 … Down+Up; at Up and below the interface is offline, above it online.
type machine struct {
	name     string
	tracking config.Tracking
	initial  health.Status
	offline  bool // the first connect goes on with what an earlier tracker has said last

	device  string // the last one known
	started bool   // the interface is up
	stopped bool   // for good
	status  health.Status
	score   int
	lost    int // failed probes since the last good round
	turn    int // rounds since it came online
	silence int // bad rounds since the last answer
	pause   time.Duration
	targets []watched
	damping damping
	changed bool           // a target has, since figures were told
	told    time.Time      // when figures were
	written health.Figures // of the interface, in the files; Latency unwritten: there are none
	actions []action
}

func newMachine(section config.Interface) *machine {
	m := &machine{
		name:     section.Name,
		tracking: section.Tracking,
		initial:  health.StatusOnline,
		score:    section.Tracking.Down + section.Tracking.Up,
		targets:  make([]watched, len(section.Tracking.Targets)),
		damping:  damping{halfLife: section.Tracking.FlapDamping},
		written:  health.Figures{Latency: unwritten},
	}
	for i := range m.targets {
		m.targets[i] = watched{window: newWindow(section.Tracking.QualityWindow), written: m.written}
	}
	if section.InitialOffline {
		m.initial = health.StatusOffline
	}
	return m
}

// paused tells whether there is nothing to probe, because the interface is down.
func (m *machine) paused() bool { return !m.started }

// failing tells whether bad rounds would bring the interface offline.
func (m *machine) failing() bool { return m.score > m.tracking.Up }

// begin clears the actions of the last input and tells whether this one counts: after stop nothing does.
func (m *machine) begin() bool {
	m.actions = m.actions[:0]
	return !m.stopped
}

// connect begins tracking on a device, at the start and after every ifup. Without a device the interface is not up.
func (m *machine) connect(device string) []action {
	if !m.begin() {
		return m.actions
	}
	m.forget()
	if device == "" {
		m.disable()
		return m.actions
	}
	m.device, m.started = device, true
	m.do(writeStarted(true))
	switch {
	case m.offline:
		m.status, m.offline = health.StatusOffline, false
	case m.status != health.StatusOnline:
		m.status = m.initial
	}
	m.presume(m.status == health.StatusOnline)
	if m.status == health.StatusOffline {
		m.score = 0
		m.do(writeStatus(m.status), writeSince(m.status))
	} else {
		m.connected(true)
	}
	return m.actions
}

// ifup notes that netifd brought the interface up; connect follows.
func (m *machine) ifup() []action {
	if m.begin() {
		m.log(syslog.Info, "Detect ifup event on interface %s (%s)", m.name, m.device)
	}
	return m.actions
}

// ifdown ends tracking until the next ifup.
func (m *machine) ifdown() []action {
	if !m.begin() {
		return m.actions
	}
	m.log(syslog.Info, "Detect ifdown event on interface %s (%s)", m.name, m.device)
	if m.started {
		m.disconnected()
		m.disable()
	}
	return m.actions
}

// stop ends tracking for good.
func (m *machine) stop() []action {
	if m.begin() {
		m.log(syslog.Notice, "Stopping mwan3track for interface %q. Status was %q", m.name, string(m.status))
		m.stopped = true
	}
	return m.actions
}

// cut takes the interface offline without waiting for rounds to fail, because its device or its address is gone: what
// follows is what a bad round brings that takes the score to Up. Where the interface is not online only its score is lost.
func (m *machine) cut(reason string) []action {
	if !m.begin() || m.paused() {
		return m.actions
	}
	before := m.score
	if m.status == health.StatusOnline || m.status == health.StatusDisconnecting {
		m.log(syslog.Notice, "Interface %s (%s): %s", m.name, m.device, reason)
		m.score = m.tracking.Up + 1
	}
	m.pause = m.tracking.Interval
	m.bad()
	if m.score != before {
		m.do(writeScore(m.score))
	}
	return m.actions
}

// answer is what a round learned of one target.
type answer struct {
	asked  bool // false: enough others had answered
	open   int  // questions without an outcome
	turn   int  // of the round, when it was asked last
	up     bool // as judge said
	result probe.Result
}

// finish ends a round, with an answer for each target, and moves the score. A round that ends while the interface is down
// means nothing.
func (m *machine) finish(now time.Time, answers []answer) []action {
	if !m.begin() || m.paused() {
		return m.actions
	}
	m.damp(now)
	ups, silent := 0, true
	for i, a := range answers {
		if a.up {
			ups++
		} else if a.asked {
			m.lost++
		}
		silent = silent && !heard(a.result)
		m.note(i, a)
	}
	m.tellFigures(now, answers)
	m.pause = m.tracking.Interval
	if ups < m.tracking.Reliability {
		m.bad()
		if silent {
			m.silence++
		}
	} else {
		m.fine()
	}
	m.damp(now)
	m.turn++
	m.do(writeRound{Lost: m.lost, Score: m.score, Turn: m.turn})
	return m.actions
}

// note writes down what a target said, if that has changed.
func (m *machine) note(i int, a answer) {
	status := health.TargetDown
	switch {
	case !a.asked:
		status = health.TargetSkipped
	case a.up:
		status = health.TargetUp
	}
	if t := &m.targets[i]; t.status != status {
		m.changed, t.status = true, status
		m.do(writeTarget{m.tracking.Targets[i], status})
	}
	if a.asked {
		m.logCheck(i, a)
	}
}

// bad moves the score after a round in which too few targets answered.
func (m *machine) bad() {
	m.score--
	switch {
	case m.score < m.tracking.Up:
		m.score = 0
		if m.tracking.KeepFailureInterval {
			m.pause = m.tracking.FailureInterval
		}
	case m.score == m.tracking.Up:
		m.leaning(health.StatusDisconnecting)
		m.pause = m.tracking.FailureInterval
		m.disconnected()
	default:
		m.leaning(health.StatusDisconnecting)
		m.pause = m.tracking.FailureInterval
	}
}

// fine moves the score after a round in which enough targets answered.
func (m *machine) fine() {
	full := m.tracking.Down + m.tracking.Up
	if m.score < full && m.lost > 0 {
		m.log(syslog.Info, "Lost %d ping(s) on interface %s (%s). Current score: %d",
			m.lost*m.tracking.Count, m.name, m.device, m.score)
	}
	m.score++
	m.lost = 0
	if m.score == m.tracking.Up && m.damping.held {
		m.score--
	}
	switch {
	case m.score < m.tracking.Up:
		m.leaning(health.StatusConnecting)
		m.pause = m.tracking.RecoveryInterval
	case m.score == m.tracking.Up:
		m.leaning(health.StatusConnecting)
		m.pause = m.tracking.RecoveryInterval
		m.connected(false)
	default:
		m.score = full
		if m.status != health.StatusOnline {
			m.status = health.StatusOnline
			m.do(writeStatus(m.status))
		}
	}
}

func (m *machine) do(actions ...action) { m.actions = append(m.actions, actions...) }

func (m *machine) log(severity syslog.Severity, format string, args ...any) {
	m.do(say{severity, fmt.Sprintf(format, args...)})
}
