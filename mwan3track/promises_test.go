package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/health"
	"mwan3/hotplug"
	"mwan3track/probe"
)

// witness watches what a machine says, as hotplug scripts and readers of the files do.
type witness struct {
	status health.Status // file STATUS
	before health.Status // what that was before
	online bool          // by the events
	heard  int           // actions
	broken string        // the first promise that was
}

func (w *witness) expect(ok bool, format string, args ...any) {
	if !ok && w.broken == "" {
		w.broken = fmt.Sprintf(format, args...)
	}
}

func (w *witness) watch(actions []action) {
	w.heard += len(actions)
	for _, a := range actions {
		switch a := a.(type) {
		case writeStatus:
			if health.Status(a) != w.status {
				w.before, w.status = w.status, health.Status(a)
			}
		case announce:
			w.hear(hotplug.Event(a))
		case writeFigures:
			w.expect(a.Latency >= 0 && a.Loss >= 0 && a.Loss <= 100 && a.Jitter >= 0, "figures are %v", a)
		case writeRound:
			w.expect(a.Lost >= 0 && a.Turn >= 1, "the round is %v", a)
		}
	}
}

func (w *witness) hear(event hotplug.Event) {
	switch event.Action {
	case hotplug.Connected:
		w.expect(!w.online || event.First, "connected twice")
		w.expect(event.First || w.before == health.StatusConnecting, "connected after %s", w.before)
		w.online = true
	case hotplug.Disconnected:
		w.expect(w.online, "disconnected twice")
		w.online = false
	case hotplug.Action(health.StatusDisconnecting):
		w.expect(w.before == health.StatusOnline, "disconnecting after %s", w.before)
	case hotplug.Action(health.StatusConnecting):
		w.expect(w.before == health.StatusOffline, "connecting after %s", w.before)
	}
}

// agree compares what was heard with what the machine holds.
func (w *witness) agree(m *machine) {
	t := m.tracking
	w.expect(m.status == w.status, "STATUS is %s, the status %s", w.status, m.status)
	w.expect(m.score >= 0 && m.score <= t.Down+t.Up, "the score is %d", m.score)
	on := m.status == health.StatusOnline || m.status == health.StatusDisconnecting
	w.expect(on == w.online, "the status is %s, by the events it is online: %t", m.status, w.online)
	w.expect(m.timeout() >= t.Timeout && m.timeout() <= t.TimeoutMax, "the timeout is %s", m.timeout())
	w.expect(m.damping.penalty < 3, "the penalty is %g", m.damping.penalty)
}

// fresh checks that a connect has forgotten what was measured before it.
func (w *witness) fresh(m *machine) {
	w.online = m.status == health.StatusOnline // the configurator was told by the ifup itself
	for _, target := range m.targets {
		w.expect(len(target.window.samples) == 0 && target.trip == roundTrip{}, "figures are left")
		w.expect(m.paused() || target.good == w.online, "the verdict is %t", target.good)
	}
	w.expect(m.timeout() == m.tracking.Timeout, "the timeout is %s", m.timeout())
	w.expect(m.damping == damping{halfLife: m.tracking.FlapDamping}, "failures are left")
}

// trial is a machine that is fed bytes and watched.
type trial struct {
	m       *machine
	w       witness
	now     time.Time
	open    [][]answer
	stopped bool
}

// newTrial makes a machine with the options that eight bytes say.
func newTrial(b []byte) *trial {
	targets := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}[:1+b[0]%3]
	s := section(1+int(b[1]%5), 1+int(b[2]%5), targets...)
	t := &s.Tracking
	t.Reliability = 1 + int(b[0]/3)%len(targets)
	t.CheckQuality = b[3]&1 != 0
	t.QualityWindow = []int{1, 2, 5, 30}[b[3]/2%4]
	t.FailureJitter = time.Duration(b[4]%3) * 100 * time.Millisecond
	t.RecoveryJitter = t.FailureJitter / 2
	t.TimeoutMax = t.Timeout * time.Duration(1+b[5]%4)
	t.FlapDamping = time.Duration(b[6]%4) * time.Minute
	s.InitialOffline = b[7]&1 != 0
	trial := &trial{m: newMachine(s), now: time.Unix(1e9, 0)}
	trial.connect("eth0")
	return trial
}

func (t *trial) connect(device string) {
	t.open = nil
	actions := t.m.connect(device)
	first := 0
	for _, a := range actions {
		if event, ok := a.(announce); ok {
			first++
			t.w.expect(event.First, "an event of connect is not the first")
		}
	}
	t.w.watch(actions)
	if !t.stopped {
		t.w.expect(first == map[bool]int{true: 1}[t.m.status == health.StatusOnline], "%d events of connect", first)
		t.w.fresh(t.m)
	}
}

// feed plays an event: a letter of a trace or, of two bytes, a round whose answers differ and the time that it takes.
func (t *trial) feed(event, detail byte) {
	t.now = t.now.Add(time.Duration(detail) * 100 * time.Millisecond)
	switch event % 16 {
	case 0:
		t.w.watch(t.m.ifdown())
	case 1:
		t.w.watch(t.m.ifup())
		t.connect("eth0")
	case 2:
		t.connect("")
	case 3:
		t.w.watch(t.m.cut("no carrier"))
	case 4:
		t.end()
	case 5:
		if detail == 0 {
			t.w.watch(t.m.stop())
			t.stopped = true
		}
	case 6:
		t.m.judge(int(detail)%len(t.m.targets), lost) // of a round that is abandoned
	case 7, 8, 9:
		t.ask(lost)
	case 10, 11, 12:
		t.ask(answered)
	default:
		t.ask(probe.Result{OK: true, Loss: int(detail) % 100, Latency: time.Duration(detail) * 10 * time.Millisecond})
	}
	if len(t.open) == 2 || event&0x80 != 0 {
		t.end()
	}
}

func (t *trial) ask(first probe.Result) {
	if !t.m.paused() {
		t.open = append(t.open, ask(t.m, []probe.Result{first, lost, answered}[:len(t.m.targets)]...))
	}
}

func (t *trial) end() {
	if len(t.open) > 0 {
		actions := t.m.finish(t.now, t.open[0])
		t.w.watch(actions)
		t.open = t.open[1:]
	}
}

// run feeds bytes until a promise is broken.
func run(bytes []byte) string {
	if len(bytes) < 8 {
		return ""
	}
	t := newTrial(bytes)
	t.w.agree(t.m)
	for rest := bytes[8:]; len(rest) >= 2 && t.w.broken == ""; rest = rest[2:] {
		stopped, before := t.stopped, t.w
		t.feed(rest[0], rest[1])
		t.w.agree(t.m)
		if stopped {
			t.w.expect(t.w == before, "something happens after the stop")
		}
	}
	return t.w.broken
}

func TestTheMachineKeepsItsPromises(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		bytes := make([]byte, 8+2*200)
		for i := range bytes {
			bytes[i] = byte(random.Uint32())
		}
		if broken := run(bytes); broken != "" {
			t.Fatalf("seed %d: %s", seed, broken)
		}
	}
}

func FuzzTheMachineKeepsItsPromises(f *testing.F) {
	f.Add([]byte{0, 2, 2, 0, 0, 0, 0, 0, 0x87, 0, 0x87, 0, 0x87, 0, 0x8a, 0, 0x8a, 0, 0x8a, 0})
	f.Add([]byte{7, 0, 0, 9, 1, 3, 1, 1, 3, 9, 0x8a, 9, 3, 9, 0x8a, 9, 3, 9, 0x8a, 9, 0, 0, 1, 0, 5, 0})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if broken := run(bytes); broken != "" {
			t.Error(broken)
		}
	})
}

func TestAWitnessNoticesWhatIsBroken(t *testing.T) {
	event := func(name hotplug.Action) action { return announce{Action: name} }
	for _, test := range []struct {
		say  []action
		want string
	}{
		{[]action{writeStatus("connecting"), writeStatus("online"), event("connected"), event("connected")}, "connected twice"},
		{[]action{event("disconnected")}, "disconnected twice"},
		{[]action{writeStatus("offline"), writeStatus("disconnecting"), event("disconnecting")}, "disconnecting after offline"},
		{[]action{writeStatus("online"), writeStatus("connecting"), event("connecting")}, "connecting after online"},
		{[]action{writeStatus("offline"), writeStatus("online"), event("connected")}, "connected after offline"},
	} {
		var w witness
		w.watch(test.say)
		if diff := cmp.Diff(test.want, w.broken); diff != "" {
			t.Error(diff)
		}
	}
}
