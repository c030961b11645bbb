package hotplug

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// drain is the stand-in for the configurator: it takes the events out of the lane beside it and notes them. The script
// of the first one takes until the test lets it end.
func drain(dir, iface string) int {
	gate := filepath.Join(dir, "gate")
	err := Lane{dir, iface}.Drain(func(event Event) {
		for _, err := os.Stat(gate); err == nil; _, err = os.Stat(gate) {
			time.Sleep(5 * time.Millisecond)
		}
		file, _ := os.OpenFile(filepath.Join(dir, "ran"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		fmt.Fprintln(file, os.Getpid(), event.Action, event.Interface, event.Device)
		file.Close()
	})
	if err != nil {
		return 1
	}
	return 0
}

// lane is one whose events are taken out by stand-ins.
type lane struct {
	t            *testing.T
	dir, drainer string
}

func newLane(t *testing.T) lane {
	drainer := filepath.Join(filepath.Dir(tool(t, 0)), "drainer")
	if err := os.Rename(filepath.Join(filepath.Dir(drainer), "tool"), drainer); err != nil {
		t.Fatal(err)
	}
	l := lane{t, filepath.Dir(drainer), drainer}
	l.close()
	t.Cleanup(l.open)
	return l
}

func (l lane) lane() Lane { return Lane{l.dir, "wan"} }

// close makes scripts take long, and open ends that.
func (l lane) close() {
	if err := os.WriteFile(filepath.Join(l.dir, "gate"), nil, 0o644); err != nil {
		l.t.Fatal(err)
	}
}
func (l lane) open() { _ = os.Remove(filepath.Join(l.dir, "gate")) }

// add adds an event with a number for its device, and returns how many were left out.
func (l lane) add(number, teller int) int {
	l.t.Helper()
	left, err := l.lane().Add(Event{Action: Ifupdate, Device: fmt.Sprint(number)}, teller, l.drainer)
	if err != nil {
		l.t.Fatal(err)
	}
	return left
}

// ran waits until the last event was that with the number, and returns those of all, and by how many processes.
func (l lane) ran(last int) (devices string, processes int) {
	l.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(l.dir, "ran"))
		if !strings.HasSuffix(string(text), fmt.Sprintf(" ifupdate wan %d\n", last)) {
			continue
		}
		pids := map[string]bool{}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			words := strings.Fields(line)
			pids[words[0]] = true
			devices += words[3] + " "
		}
		return devices, len(pids)
	}
	l.t.Fatalf("event %d did not run", last)
	return "", 0
}

func TestOneProcessRunsTheEventsOfALaneInOrder(t *testing.T) {
	l := newLane(t)
	for number := range 5 {
		l.add(number, 0)
	}
	l.open()
	devices, processes := l.ran(4)
	if devices != "0 1 2 3 4 " || processes != 1 {
		t.Errorf("%d processes ran %s", processes, devices)
	}
	l.add(5, 0)
	if devices, _ := l.ran(5); devices != "0 1 2 3 4 5 " {
		t.Errorf("after a pause ran %s", devices)
	}
}

func TestAPromisedEventKeepsItsPlace(t *testing.T) {
	l := newLane(t)
	l.open()
	teller := exec.Command("sleep", "1000")
	if err := teller.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { _, _ = teller.Process.Kill(), teller.Wait() }
	t.Cleanup(end)
	if err := l.lane().Promise(teller.Process.Pid); err != nil {
		t.Fatal(err)
	}
	l.add(2, 0)
	l.add(1, teller.Process.Pid)
	if devices, _ := l.ran(2); devices != "1 2 " {
		t.Errorf("ran %s", devices)
	}
	waited := make(chan error, 1)
	go func() { waited <- l.lane().Await() }()
	select {
	case <-waited:
		t.Error("Await did not wait for the process that tells of the event")
	case <-time.After(2 * pause):
	}
	end()
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

func TestAPromiseOfADeadProcessIsForgotten(t *testing.T) {
	l := newLane(t)
	l.open()
	teller := exec.Command("true")
	if err := teller.Run(); err != nil {
		t.Fatal(err)
	}
	if err := l.lane().Promise(teller.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := l.lane().Await(); err != nil {
		t.Error(err)
	}
	l.add(1, 0)
	if devices, _ := l.ran(1); devices != "1 " {
		t.Errorf("ran %s", devices)
	}
}

func TestTheOldestEventsGiveWayInAFullLane(t *testing.T) {
	l := newLane(t)
	l.add(0, 0)
	for text := ""; text != fmt.Sprintf("%d\n\n", runnerOf(t, l)); { // until the first one was taken out
		all, _ := os.ReadFile(filepath.Join(l.dir, "wan"))
		text = string(all)
	}
	left := 0
	for number := range maxWaiting + 2 {
		left += l.add(1+number, 0)
	}
	l.open()
	devices, _ := l.ran(maxWaiting + 2)
	if left != 2 || !strings.HasPrefix(devices, "0 3 4 ") {
		t.Errorf("%d were left out, ran %s", left, devices)
	}
}

func runnerOf(t *testing.T, l lane) int {
	t.Helper()
	runner := 0
	if err := l.lane().edit(func(q *queue) error { runner = q.runner; return nil }); err != nil {
		t.Fatal(err)
	}
	return runner
}

// The package is removed while the user's script runs.
func TestALaneThatIsGoneDoesNotComeBack(t *testing.T) {
	l := Lane{filepath.Join(t.TempDir(), "lanes"), "wan"}
	if err := l.Promise(0); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(l.Dir); err != nil {
		t.Fatal(err)
	}
	if err := l.Drain(func(event Event) { t.Errorf("it has %v", event) }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(l.Dir); err == nil {
		t.Error("its folder is there again")
	}
}

func TestWhatNobodyIsNamedIsRefused(t *testing.T) {
	l := newLane(t)
	for _, test := range []struct {
		lane  Lane
		event Event
		want  string
	}{
		{Lane{l.dir, "../wan"}, Event{Action: Ifup}, `interface "../wan" cannot be a file name`},
		{l.lane(), Event{Action: "ifup\nifdown"}, `event "ifup\nifdown" with device "": a character that no name has`},
		{l.lane(), Event{Action: Ifup, Device: "a\tb"}, `event "ifup" with device "a\tb": a character that no name has`},
	} {
		if _, err := test.lane.Add(test.event, 0, l.drainer); err == nil || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func FuzzALaneIsReadAsItWasWritten(f *testing.F) {
	for _, text := range []string{"", "0\n\n", "12\n7 8 \n7\nifdown\t\nconnected\twan0\n", "x\n-1 y\n0\n\tz\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := parseQueue(text).String()
		if diff := cmp.Diff(once, parseQueue(once).String()); diff != "" {
			t.Error(diff)
		}
	})
}
