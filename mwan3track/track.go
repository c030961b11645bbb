package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"mwan3/config"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/syslog"
	"mwan3track/probe"
)

// lookPause is the least time between two looks at the network because of failing probes.
const lookPause = 5 * time.Second

// errStopped ends the loop: somebody wants the tracker to stop, or the config has nothing to track any more.
var errStopped = errors.New("stopped")

// link is an interface as it is now.
type link struct {
	up      bool
	path    probe.Path
	guessed bool // netifd gave no source address
}

// settings are what the config says about an interface.
type settings struct {
	section config.Interface
	mask    config.Mask
	config  config.Config // where the section stands, for looks at the network
}

// eyes see the router.
type eyes interface {
	// Settings reads the config of an interface. The error wraps errNothing when there is nothing to track.
	Settings(iface string) (settings, error)
	// Look finds the interface's device, source and mark.
	Look(ctx context.Context, s settings) (link, error)
}

// voice tells the router. It may take seconds.
type voice interface {
	Apply(event hotplug.Event) error // makes policies follow
	Call(event hotplug.Event) error  // tells everybody
}

// logger takes the tracker's lines.
type logger interface {
	Write(severity syslog.Severity, text string)
}

// tracker is the loop around the score machine. Its goroutine owns all of it; another one waits for targets, and short
// lived ones for events and looks, so that signals are never lost and SIGTERM never waits.
type tracker struct {
	eyes    eyes
	voice   voice
	log     logger
	store   health.Store
	signals <-chan os.Signal
	open    func(path probe.Path, tracking config.Tracking) (probe.Prober, error)
	lookup  lookup
	uptime  func() int

	settings   settings
	machine    *machine
	files      health.Tracker
	prober     probe.Prober // nil: to be opened
	path       probe.Path
	worker     *worker
	timer      *time.Timer
	fresh      bool // not connected since the start, or since the config changed
	blind      bool // the network could not be looked at
	looked     time.Time
	complained bool // that files cannot be written
	unapplied  bool // the last verdict could not be carried out
	pending    struct{ ifdown, ifup, reload, stop bool }
}

// run tracks until SIGTERM or until the config has nothing to track any more.
func (t *tracker) run(s settings) error {
	files, err := t.store.OpenTracker(s.section.Name)
	t.noteWrite(err)
	t.files = files
	t.timer = time.NewTimer(time.Hour)
	defer t.timer.Stop()
	t.worker = startWorker()
	defer t.worker.stop()
	defer t.closeProber()
	err = t.begin(s)
	for err == nil {
		err = t.turn()
	}
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// turn is a round, if there is something to probe, and the pause after it.
func (t *tracker) turn() error {
	pause := t.settings.section.Tracking.Interval
	if !t.machine.paused() {
		if err := t.round(); err != nil {
			return err
		}
		pause = t.machine.pause
		if t.unapplied {
			if err := t.agree(); err != nil {
				return err
			}
		}
	}
	if err := t.idle(pause); err != nil {
		return err
	}
	if t.blind {
		return t.connect()
	}
	return nil
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
	t.machine = newMachine(section)
	t.worker.names = newNames(t.lookup, section.Family, section.Tracking)
	t.fresh = true
	t.closeProber()
	return t.connect()
}

// connect looks at the network and tells the machine what is there.
func (t *tracker) connect() error {
	found, err := t.look()
	t.blind = err != nil && !errors.Is(err, errStopped)
	if t.blind {
		t.logf(syslog.Warning, "Interface %s: %s", t.settings.section.Name, err)
		return nil
	}
	if err != nil {
		return err
	}
	t.closeProber()
	t.path = found.path
	t.warnSource(found)
	device := found.path.Device
	if !found.up || t.fresh && t.store.TakenDown(t.settings.section.Name) {
		device = "" // what somebody took down stays so when the tracker only begins anew
	}
	t.fresh = false
	if err := t.do(t.machine.connect(device)); err != nil {
		return err
	}
	return t.agree()
}

func (t *tracker) warnSource(found link) {
	name, path := t.settings.section.Name, found.path
	switch {
	case !found.up || !found.guessed:
	case path.Source.IsValid():
		t.logf(syslog.Warning, "no src %s address found from netifd for interface '%s' dev '%s' guessing %s",
			path.Family, name, path.Device, path.Source)
	default:
		t.logf(syslog.Warning, "no src %s address found for interface '%s' dev '%s'", path.Family, name, path.Device)
	}
}

// agree makes policies follow what the tracker begins with. They do not when an earlier tracker ended without notice,
// when the config changed, or when a hotplug script brought our own "disconnected" of an ifdown after the ifup: nothing
// would be announced then until the interface changes sides.
func (t *tracker) agree() error {
	event := hotplug.Event{Interface: t.settings.section.Name, Device: t.machine.device}
	state := t.store.State(event.Interface)
	switch {
	case t.machine.status == health.StatusOnline && (state == health.Offline || t.unapplied):
		event.Action = hotplug.Connected
	case t.machine.status == health.StatusOffline && (state == health.Online || t.unapplied):
		event.Action = hotplug.Disconnected
	default:
		t.unapplied = false
		return nil
	}
	return t.apply(event)
}

// round probes the targets in order until enough of them have answered. Signals that change the interface end it.
func (t *tracker) round() error {
	if err := t.refresh(); err != nil {
		return err
	}
	answers := make([]answer, len(t.machine.tracking.Targets))
	for i, ups := 0, 0; i < len(answers) && ups < t.machine.tracking.Reliability; i++ {
		result := t.probe(i)
		if t.interrupted() {
			return nil
		}
		if !result.OK {
			t.worker.names.doubt(i)
			t.closeProber()
		}
		answers[i] = answer{asked: true, up: t.machine.judge(i, result), result: result}
		if answers[i].up {
			ups++
		}
	}
	return t.do(t.machine.finish(time.Now(), answers))
}

// probe has one target probed and notes the signals that arrive meanwhile.
func (t *tracker) probe(i int) probe.Result {
	if t.prober == nil {
		prober, err := t.open(t.path, t.machine.tracking)
		if err != nil {
			return probe.Result{Loss: health.DeadLoss, Err: err}
		}
		t.prober = prober
	}
	t.worker.start(t.prober, i)
	for {
		select {
		case result := <-t.worker.results:
			return result
		case signal := <-t.signals:
			if t.note(signal); t.interrupted() {
				t.worker.interrupt()
			}
		}
	}
}

// refresh looks at the network again after probes failed: an address that changed without an ifup is the reason at times.
func (t *tracker) refresh() error {
	if t.prober != nil || time.Since(t.looked) < lookPause {
		return nil
	}
	found, err := t.look()
	if err == nil && found.up {
		t.path, t.machine.device = found.path, found.path.Device
	}
	if errors.Is(err, errStopped) {
		return err
	}
	return nil
}

func (t *tracker) look() (link, error) {
	t.looked = time.Now()
	var found link
	var err error
	if stopped := t.await(func() { found, err = t.eyes.Look(context.Background(), t.settings) }); stopped != nil {
		return link{}, stopped
	}
	return found, err
}

func (t *tracker) closeProber() {
	if t.prober != nil {
		_ = t.prober.Close()
		t.prober = nil
	}
}

func (t *tracker) report(err error) {
	if err != nil {
		t.logf(syslog.Warning, "Interface %s: %s", t.settings.section.Name, err)
	}
}

func (t *tracker) logf(severity syslog.Severity, format string, args ...any) {
	t.log.Write(severity, fmt.Sprintf(format, args...))
}
