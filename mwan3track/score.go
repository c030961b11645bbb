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
	writeQuality struct { // LATENCY_<host> and LOSS_<host>
		Host          string
		Latency, Loss int // milliseconds, percent
	}
	writeRound health.Round // LOST, SCORE, TURN, and TIME is now
	say        struct {     // a line in the log
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

	device  string // the last one known
	started bool   // the interface is up
	status  health.Status
	score   int
	lost    int // failed probes since the last good round
	turn    int // rounds since it came online
	pause   time.Duration
	good    []bool // by target: the last verdict, which figures between the thresholds leave as it is
	actions []action
}

func newMachine(section config.Interface) *machine {
	m := &machine{
		name:     section.Name,
		tracking: section.Tracking,
		initial:  health.StatusOnline,
		score:    section.Tracking.Down + section.Tracking.Up,
		good:     make([]bool, len(section.Tracking.Targets)),
	}
	if section.InitialOffline {
		m.initial = health.StatusOffline
	}
	return m
}

// paused tells whether there is nothing to probe, because the interface is down.
func (m *machine) paused() bool { return !m.started }

// connect begins tracking on a device, at the start and after every ifup. Without a device the interface is not up.
func (m *machine) connect(device string) []action {
	m.actions = m.actions[:0]
	if device == "" {
		m.disable()
		return m.actions
	}
	m.device, m.started = device, true
	m.do(writeStarted(true))
	if m.status != health.StatusOnline {
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
	m.actions = m.actions[:0]
	m.log(syslog.Info, "Detect ifup event on interface %s (%s)", m.name, m.device)
	return m.actions
}

// ifdown ends tracking until the next ifup.
func (m *machine) ifdown() []action {
	m.actions = m.actions[:0]
	m.log(syslog.Info, "Detect ifdown event on interface %s (%s)", m.name, m.device)
	if m.started {
		m.disconnected()
		m.disable()
	}
	return m.actions
}

// stop ends tracking for good.
func (m *machine) stop() []action {
	m.actions = m.actions[:0]
	m.log(syslog.Notice, "Stopping mwan3track for interface %q. Status was %q", m.name, string(m.status))
	return m.actions
}

// answer is what a round learned of one target.
type answer struct {
	asked  bool // false: enough others had answered
	up     bool // as judge said
	result probe.Result
}

// finish ends a round, with an answer for each target, and moves the score.
func (m *machine) finish(answers []answer) []action {
	m.actions = m.actions[:0]
	ups := 0
	for i, a := range answers {
		if a.up {
			ups++
		} else if a.asked {
			m.lost++
		}
		m.note(i, a)
	}
	m.pause = m.tracking.Interval
	if ups < m.tracking.Reliability {
		m.bad()
	} else {
		m.fine()
	}
	m.turn++
	m.do(writeRound{Lost: m.lost, Score: m.score, Turn: m.turn})
	return m.actions
}

// note writes down what a target said.
func (m *machine) note(i int, a answer) {
	status := health.TargetDown
	switch {
	case !a.asked:
		status = health.TargetSkipped
	case a.up:
		status = health.TargetUp
	}
	if a.asked && m.tracking.CheckQuality {
		latency, loss := figures(a.result)
		m.do(writeQuality{m.tracking.Targets[i], latency, loss})
	}
	m.do(writeTarget{m.tracking.Targets[i], status})
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
		m.status = health.StatusOnline
		m.do(writeStatus(m.status))
	}
}

// leaning announces, once, that the interface is on its way to the other side.
func (m *machine) leaning(status health.Status) {
	if m.status == status {
		return
	}
	m.status = status
	m.do(writeStatus(status))
	m.tell(hotplug.Event{Action: hotplug.Action(status)})
}

func (m *machine) connected(first bool) {
	m.status = health.StatusOnline
	m.score = m.tracking.Down + m.tracking.Up
	m.lost, m.turn = 0, 0
	m.do(writeStatus(m.status), writeSince(m.status))
	m.tell(hotplug.Event{Action: hotplug.Connected, First: first})
}

func (m *machine) disconnected() {
	before := m.status
	m.status = health.StatusOffline
	m.score = 0
	m.do(writeStatus(m.status), writeSince(m.status))
	if before != health.StatusOnline && before != health.StatusDisconnecting {
		m.log(syslog.Notice, "Skip disconnected event for %s (%s)", m.name, m.device)
		return
	}
	m.tell(hotplug.Event{Action: hotplug.Disconnected})
}

func (m *machine) disable() {
	m.status, m.started = health.StatusDisabled, false
	m.do(writeStatus(m.status), writeStarted(false))
}

// tell logs and announces the status that the interface has now.
func (m *machine) tell(event hotplug.Event) {
	m.log(syslog.Notice, "Interface %s (%s) is %s", m.name, m.device, string(m.status))
	event.Interface, event.Device = m.name, m.device
	m.do(announce(event))
}

func (m *machine) do(actions ...action) { m.actions = append(m.actions, actions...) }

func (m *machine) log(severity syslog.Severity, format string, args ...any) {
	m.do(say{severity, fmt.Sprintf(format, args...)})
}
