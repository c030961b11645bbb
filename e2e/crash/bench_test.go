package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"e2e/lab"
	"e2e/lab/labtest"
)

// state is what the router can be asked to be in; the zero one is: stopped.
type state struct {
	config  string // A, B, C, or empty: stopped
	down    string // the interface that was taken down
	offline string // the interface that a tracker called offline
	swapped bool   // with the other backend
}

func (s state) String() string {
	type plain state // without this method
	return fmt.Sprintf("%+v", plain(s))
}

// command is one run of mwan3.
type command struct{ env, args []string }

func mwan3(args ...string) command { return command{args: args} }

// event is a run on behalf of netifd or of a tracker.
func event(action, iface, device string) command {
	return command{[]string{"ACTION=" + action, "INTERFACE=" + iface, "DEVICE=" + device}, []string{"hotplug"}}
}

func (c command) String() string { return strings.Join(append(c.env, c.args...), " ") }

func (c command) process() *exec.Cmd {
	cmd := exec.Command("/usr/sbin/mwan3", c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	return cmd
}

// bench is a lab in which runs are cut off.
type bench struct {
	t       *testing.T
	lab     *lab.Lab
	backend string
	rand    *rand.Rand
	want    map[state]string // snapshots of the states that uninterrupted runs lead to
	at      state            // the state that the router is in
	figures figures
}

// newBench draws a lab with three uplinks of both families.
func newBench(t *testing.T, backend string) *bench {
	l, err := lab.New(3)
	labtest.Check(t, err, lab.Install(os.Getenv(labtest.BinEnv)))
	labtest.Check(t, exec.Command("ipset", "create", "users", "hash:net").Run(), exec.Command("ipset", "add", "users", "192.0.2.64/26").Run())
	number := seedOf(t)
	b := &bench{t: t, lab: l, backend: backend, want: map[state]string{}, rand: rand.New(rand.NewPCG(number, 0))}
	b.want[state{}] = snapshot(t)
	t.Cleanup(func() {
		if log, err := os.ReadFile(lab.LogFile); err == nil && t.Failed() {
			t.Logf("the end of the router's log:\n%s", log[max(0, len(log)-8000):])
		}
	})
	return b
}

// seedEnv is the environment variable with which a run of the test can be repeated, as far as moments can.
const seedEnv = "CRASH_SEED"

func seedOf(t *testing.T) uint64 {
	number, err := strconv.ParseUint(os.Getenv(seedEnv), 10, 64)
	if err != nil {
		number = rand.Uint64()
	}
	t.Logf("%s=%d", seedEnv, number)
	return number
}

func (b *bench) backendOf(s state) string {
	if s.swapped == (b.backend == "nftables") {
		return "iptables"
	}
	return "nftables"
}

// run lets a command run to its end.
func (b *bench) run(c command) {
	b.t.Helper()
	cmd := c.process()
	if err := cmd.Run(); err != nil && c.args[0] != "reload" { // which fails when mwan3 is not running
		b.t.Fatalf("%s: %v", c, err)
	}
}

// reach brings the router to a state without interruption, and learns what that looks like when it is the first time.
func (b *bench) reach(s state) {
	b.t.Helper()
	if b.at == s {
		return
	}
	b.steps(s)
	got := snapshot(b.t)
	if _, ok := b.want[s]; !ok {
		b.want[s] = got
	}
	if diff := difference(b.want[s], got); diff != "" {
		b.t.Fatalf("from %s to %s without interruption (-want +got):\n%s", b.at, s, diff)
	}
	b.at = s
	b.awaitTrackers("without interruption", false)
}

// steps runs what leads to a state.
func (b *bench) steps(s state) {
	b.t.Helper()
	if s == (state{}) {
		b.run(mwan3("stop"))
		return
	}
	b.configure(s)
	switch {
	case b.at == state{}:
		b.begin(mwan3("start"), state{config: s.config, swapped: s.swapped})
	case b.at.config != s.config || b.at.swapped != s.swapped:
		b.begin(mwan3("reload"), state{config: s.config, down: b.at.down, offline: b.at.offline, swapped: s.swapped})
	}
	if b.at.down != s.down {
		b.run(map[bool]command{true: mwan3("ifdown", "wan"), false: mwan3("ifup", "wan")}[s.down != ""])
	}
	if b.at.offline != s.offline {
		action := map[bool]string{true: "disconnected", false: "connected"}[s.offline != ""]
		b.run(event(action, "wanc", "wan2"))
	}
}

// begin runs a command that starts daemons, and waits until they are at work.
func (b *bench) begin(c command, to state) {
	b.t.Helper()
	b.run(c)
	b.at = to
	b.awaitTrackers(c.String(), true)
}

// learn looks at each state after a way that starts from nothing.
func (b *bench) learn(states ...state) {
	b.t.Helper()
	for _, s := range states {
		b.reach(state{})
		b.reach(s)
	}
}

// expect finds out which of the states the router is in. It must be exactly one of them.
func (b *bench) expect(what string, states ...state) {
	b.t.Helper()
	got := snapshot(b.t)
	for _, s := range states {
		if got == b.want[s] {
			b.at = s
			return
		}
	}
	b.failed("%s:\nnot %s (-want +got):\n%s", what, states[0], difference(b.want[states[0]], got))
	b.reset(states[0])
}

// failed reports what is wrong.
func (b *bench) failed(format string, args ...any) {
	b.t.Helper()
	b.figures.failures++
	b.t.Errorf(format, args...)
}

// reset begins anew after a failure.
func (b *bench) reset(s state) {
	b.run(mwan3("stop"))
	_ = exec.Command("nft", "delete table inet mwan3").Run()
	b.at = state{}
	b.reach(s)
}

// patience is how long what must happen may take on a busy machine.
const patience = 15 * time.Second

// eventually repeats try until it succeeds, and returns its last error.
func eventually(try func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
