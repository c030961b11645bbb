package main

import (
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/syslog"
)

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
	m.damping.fail()
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
