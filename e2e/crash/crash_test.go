// Package crash kills mwan3 at random moments, and looks whether traffic flows on and whether the next run, whichever it
// is, leaves exactly what an undisturbed one leaves.
//
//	CRASH_SEED=1 go test -v ./crash
package crash

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// trial is a command that is to be cut off again and again.
type trial struct {
	name     string
	times    int
	from, to state
	do       command
	next     []next
	unmarked bool // there is no marking at times, so connections go as main has it
}

// next is a run after the cut-off one.
type next struct {
	do     command
	config *state  // whose config it finds, unless that of the command
	yields []state // one of them, exactly
}

func forBackends(t *testing.T, body func(*bench)) {
	labtest.Build(t)
	for _, backend := range []string{"nftables", "iptables"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			labtest.In(t, func(t *testing.T) { body(newBench(t, backend)) })
		})
	}
}

func states() (a, b, wanDown, wancOffline, swapped state) {
	a = state{config: "A"}
	return a, state{config: "B"}, state{config: "A", down: "wan"}, state{config: "A", offline: "wanc"}, state{config: "A", swapped: true}
}

// unrelated is an event that has nothing to do with what was cut off.
func unrelated() command { return event("connected", "wanb", "wan1") }

func TestARunThatIsKilledStopsNoTrafficAndTheNextOneEndsItsWork(t *testing.T) {
	forBackends(t, func(b *bench) {
		a, other, wanDown, wancOffline, swapped := states()
		b.learn(other, wanDown, wancOffline, swapped, state{config: "C"}, a)
		flows := b.transfers()
		for _, trial := range whileRunning() {
			b.try(trial)
		}
		b.reach(a)
		b.unbroken(flows)
		for _, trial := range withoutMarking() {
			b.try(trial)
		}
		b.reach(state{})
		b.nothingLeft()
		b.log()
	})
}

func whileRunning() []trial {
	a, other, wanDown, wancOffline, _ := states()
	reload := func(to state) []next {
		return []next{{do: mwan3("reload"), yields: []state{to}}, {do: unrelated(), yields: []state{to}}, {do: mwan3("start"), yields: []state{to}},
			{do: event("ifupdate", "wan6", "wan0"), yields: []state{to}}}
	}
	moved := state{config: "C"}
	return []trial{
		{name: "reload with other ids", times: 3, from: a, to: moved, do: mwan3("reload"), next: reload(moved)},
		{name: "reload with the ids of before", times: 3, from: moved, to: a, do: mwan3("reload"), next: reload(a)},
		{name: "reload to B", times: 6, from: a, to: other, do: mwan3("reload"), next: reload(other)},
		{name: "reload to A", times: 6, from: other, to: a, do: mwan3("reload"), next: reload(a)},
		{name: "ifdown", times: 8, from: a, to: wanDown, do: mwan3("ifdown", "wan"), next: []next{
			{do: mwan3("ifdown", "wan"), yields: []state{wanDown}}, {do: unrelated(), yields: []state{wanDown, a}}, {do: mwan3("reload"), yields: []state{wanDown, a}}}},
		{name: "ifup", times: 4, from: wanDown, to: a, do: mwan3("ifup", "wan"), next: []next{
			{do: mwan3("ifup", "wan"), yields: []state{a}}, {do: unrelated(), yields: []state{a, wanDown}}}},
		{name: "verdict", times: 4, from: a, to: wancOffline, do: event("disconnected", "wanc", "wan2"), next: []next{
			{do: event("disconnected", "wanc", "wan2"), yields: []state{wancOffline}}, {do: unrelated(), yields: []state{wancOffline, a}}}},
	}
}

// withoutMarking are the changes in which there is a time without a marking. Connections are as good as those of a router
// without mwan3 then; what masquerading has begun on another uplink than main's the kernel ends.
func withoutMarking() []trial {
	a, _, _, _, swapped := states()
	stopped := state{}
	switched := []next{{do: mwan3("reload"), yields: []state{swapped}}, {do: unrelated(), yields: []state{swapped}},
		{do: unrelated(), config: &a, yields: []state{a}}, {do: mwan3("reload"), config: &a, yields: []state{a}}}
	return []trial{
		{name: "switch of the backend", times: 6, from: a, to: swapped, do: mwan3("reload"), unmarked: true, next: switched},
		{name: "start", times: 10, from: stopped, to: a, do: mwan3("start"), unmarked: true, next: []next{
			{do: mwan3("start"), yields: []state{a}}, {do: unrelated(), yields: []state{a, stopped}}, {do: mwan3("reload"), yields: []state{a, stopped}}}},
		{name: "stop", times: 6, from: a, to: stopped, do: mwan3("stop"), unmarked: true, next: []next{
			{do: mwan3("stop"), yields: []state{stopped}}, {do: unrelated(), yields: []state{stopped, a}}, {do: mwan3("start"), yields: []state{a}}}},
	}
}

// try cuts a command off as often as the trial says. A command that was faster than expected does not count.
func (b *bench) try(tr trial) {
	b.t.Helper()
	if testing.Short() {
		tr.times = max(tr.times/5, 2)
	}
	duration := b.measure(tr)
	enough := b.figures.failures + 3
	for kills, runs := 0, 0; kills < tr.times && runs < 4*tr.times && b.figures.failures < enough; runs++ {
		if b.once(tr, time.Duration(b.rand.Int64N(int64(duration))), runs) {
			kills++
		}
	}
}

// measure returns how long the command takes when nobody disturbs it: the middle of three runs.
func (b *bench) measure(tr trial) time.Duration {
	b.t.Helper()
	var took []time.Duration
	for range 3 {
		b.reach(tr.from)
		b.configure(tr.to)
		begin := time.Now()
		b.run(tr.do)
		took = append(took, time.Since(begin))
		b.expect(fmt.Sprintf("%s without interruption", tr.name), tr.to)
		b.awaitTrackers(tr.name, false)
	}
	slices.Sort(took)
	b.t.Logf("%s takes %v to %v", tr.name, took[0].Round(time.Millisecond), took[2].Round(time.Millisecond))
	return took[1]
}

// once cuts the command off and lets the next run follow.
func (b *bench) once(tr trial, after time.Duration, number int) (killed bool) {
	b.t.Helper()
	b.reach(tr.from)
	if tr.to != (state{}) {
		b.configure(tr.to)
	}
	hit := b.strike(tr.do, after, number%4 == 3)
	what := fmt.Sprintf("%s, killed after %s %s", tr.name, after.Round(time.Microsecond), hit)
	b.traffic(what, !tr.unmarked)
	next := tr.next[b.rand.IntN(len(tr.next))]
	if next.config != nil {
		b.configure(*next.config)
	}
	b.run(next.do)
	what = fmt.Sprintf("%s, then %s", what, next.do)
	b.expect(what, next.yields...)
	b.awaitTrackers(what, false)
	if hit == "" {
		return false
	}
	b.figures.killed(tr.name, hit)
	return true
}

// nothingLeft checks that a stop has ended everything.
func (b *bench) nothingLeft() {
	b.t.Helper()
	for _, path := range []string{stateDir, trackDir} {
		if _, err := os.Stat(path); err == nil {
			b.t.Errorf("%s is still there", path)
		}
	}
	for _, program := range []string{"mwan3", "mwan3track", "mwan3rtmon"} {
		if running := processes(program); len(running) > 0 {
			b.t.Errorf("%s still runs: %v", program, running)
		}
	}
}
