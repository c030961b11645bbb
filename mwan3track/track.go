package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"mwan3/config"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/iproute"
	"mwan3/syslog"
	"mwan3track/probe"
)

// errStopped ends the loop: somebody wants the tracker to stop, or the config has nothing to track any more.
var errStopped = errors.New("stopped")

// link is an interface as it is now.
type link struct {
	up      bool
	path    probe.Path
	index   int        // of the device; 0 if it is not there
	gateway netip.Addr // the next hop, if it is a target and there is one
	guessed bool       // netifd gave no source address
}

// eyes see the router.
type eyes interface {
	// Settings reads the config of an interface. The error is an reply.Untracked when there is nothing to track. It may
	// take seconds.
	Settings(ctx context.Context, iface string) (settings, error)
	// Look finds the interface's device, source and mark. It may take seconds.
	Look(ctx context.Context, s settings) (link, error)
	// Watch reports changes of devices and addresses until ctx ends.
	Watch(ctx context.Context) (<-chan iproute.Event, error)
}

// voice tells the router. It may take seconds, and Call minutes.
type voice interface {
	Apply(event hotplug.Event) error // makes policies follow
	Call(event hotplug.Event) error  // tells everybody
}

// logger takes the tracker's lines.
type logger interface {
	Write(severity syslog.Severity, text string)
}

// tracker is the loop around the score machine. Its goroutine owns all of it; others wait for targets, for events to be
// told and for looks at the network, so that signals are never lost and SIGTERM never waits.
type tracker struct {
	eyes    eyes
	voice   voice
	log     logger
	store   health.Store
	signals <-chan os.Signal
	stop    <-chan os.Signal // SIGTERM and SIGINT, which no others may crowd out
	open    opener
	lookup  lookup
	uptime  func() int

	settings settings
	machine  *machine
	files    health.Tracker
	link     link
	names    []*name

	schedule schedule
	lanes    []*lane
	outcomes chan outcome
	herald   *herald
	events   <-chan iproute.Event
	sight    sight
	reading  reading
	timer    *time.Timer

	first      bool // not connected since the start
	fresh      bool // nor since the config changed
	blind      bool // the network could not be looked at
	complained bool // that files cannot be written
	unapplied  bool // the last verdict could not be carried out
	pending    requests
}

// run tracks until SIGTERM or until the config has nothing to track any more.
func (t *tracker) run(s settings) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	files, err := t.store.OpenTracker(s.section.Name)
	t.noteWrite(err)
	t.files = files
	t.watch(ctx)
	t.herald = newHerald(t.voice.Call)
	go t.herald.run(ctx)
	t.timer = time.NewTimer(time.Hour)
	defer t.timer.Stop()
	t.outcomes = make(chan outcome)
	defer t.closeLanes()
	t.first = true
	err = t.begin(s)
	for err == nil {
		err = t.step()
	}
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// step does what is due and waits for the next thing to happen.
func (t *tracker) step() error {
	for _, due := range []func() error{t.obey, t.readAgain, t.lookAgain, t.judge, t.ask} {
		if err := due(); err != nil {
			return err
		}
	}
	if t.pending == (requests{}) { // some may have come while a verdict was applied
		t.wait()
	}
	return nil
}

// wait notes the next thing that happens.
func (t *tracker) wait() {
	t.timer.Reset(time.Until(t.wake()))
	select {
	case <-t.timer.C:
	case signal := <-t.signals:
		t.note(signal)
	case signal := <-t.stop:
		t.note(signal)
	case outcome := <-t.outcomes:
		t.take(outcome)
	case event, ok := <-t.events:
		t.noteEvent(event, ok)
	case seen := <-t.sight.seen:
		t.sight.found = &seen
	case fresh := <-t.reading.done:
		t.reading.found = &fresh
	case err := <-t.herald.failed:
		t.report(err)
	}
}

// wake is when there is something to do if nothing happens until then.
func (t *tracker) wake() time.Time {
	now := time.Now()
	wake := now.Add(time.Hour)
	soon := func(at time.Time) {
		if !at.IsZero() && at.Before(wake) {
			wake = at
		}
	}
	if !t.sight.looking { // else what is seen wakes
		soon(t.sight.due)
	}
	if !t.reading.busy {
		soon(t.reading.due)
	}
	if t.machine.paused() {
		return wake
	}
	if at := t.schedule.wake(now); at.After(t.sight.hold) {
		soon(at)
	} else {
		soon(t.sight.hold)
	}
	return wake
}

// begin starts tracking afresh.
func (t *tracker) begin(s settings) error {
	t.settings = s
	section := s.section
	if warning := unsupported(section.Tracking.Method, section.Family); warning != "" {
		t.logf(syslog.Warning, "%s", warning)
		t.logf(syslog.Warning, "Using ping to track interface %s availability", section.Name)
		section.Tracking.Method = config.Ping
	}
	t.closeLanes()
	t.machine = newMachine(section)
	t.schedule = schedule{machine: t.machine}
	t.names = newNames(t.lookup, section.Family, section.Tracking.Targets)
	t.fresh = true
	t.noteWrite(t.files.SetSettings(s.String()))
	return t.connect()
}

// connect looks at the network, tells the machine what is there and lets a round follow at once.
func (t *tracker) connect() error {
	found, err := t.lookNow()
	t.blind = err != nil && !errors.Is(err, errStopped)
	if t.blind {
		t.logf(syslog.Warning, "Interface %s: %s", t.settings.section.Name, err)
		t.sight.due = time.Now().Add(t.machine.tracking.Interval)
		return nil
	}
	if err != nil {
		return err
	}
	t.abandon()
	t.schedule.next = time.Now()
	t.use(found)
	t.warnSource()
	device := found.path.Device
	if !found.up || t.fresh && t.store.TakenDown(t.settings.section.Name) {
		device = "" // what somebody took down stays so when the tracker only begins anew
	}
	// One that is started again, after an upgrade or a crash, goes on where policies are: they have no reason to trust an
	// interface that has failed before it has answered again.
	t.machine.offline = t.first && t.store.State(t.settings.section.Name) == health.Offline
	t.first, t.fresh = false, false
	if err := t.do(t.machine.connect(device)); err != nil {
		return err
	}
	return t.agree()
}

// use makes the next probes take the way that was seen.
func (t *tracker) use(found link) {
	t.link = found
	if found.index == t.sight.dead {
		t.link.index = 0 // until the kernel says that it can send again
	}
	for _, name := range t.names {
		name.set(found.gateway)
	}
}

func (t *tracker) warnSource() {
	name, path := t.settings.section.Name, t.link.path
	switch {
	case !t.link.up || !t.link.guessed:
	case path.Source.IsValid():
		t.logf(syslog.Warning, "no src %s address found from netifd for interface '%s' dev '%s' guessing %s",
			path.Family, name, path.Device, path.Source)
	default:
		t.logf(syslog.Warning, "no src %s address found for interface '%s' dev '%s'", path.Family, name, path.Device)
	}
}

// agree makes policies follow what the tracker begins with. They do not when an earlier tracker ended without notice, or
// when the config changed: nothing would be announced then until the interface changes sides.
func (t *tracker) agree() error {
	event := hotplug.Event{Interface: t.settings.section.Name, Device: t.machine.device}
	state := t.store.State(event.Interface)
	online := t.machine.status == health.StatusOnline || t.machine.status == health.StatusDisconnecting
	offline := t.machine.status == health.StatusOffline || t.machine.status == health.StatusConnecting
	switch {
	case online && (state == health.Offline || t.unapplied):
		event.Action = hotplug.Connected
	case offline && (state == health.Online || t.unapplied):
		event.Action = hotplug.Disconnected
	default:
		t.unapplied = false
		return nil
	}
	return t.apply(event)
}

func (t *tracker) report(err error) {
	if err != nil {
		t.logf(syslog.Warning, "Interface %s: %s", t.settings.section.Name, err)
	}
}

func (t *tracker) logf(severity syslog.Severity, format string, args ...any) {
	t.log.Write(severity, fmt.Sprintf(format, args...))
}
