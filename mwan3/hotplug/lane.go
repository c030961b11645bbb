package hotplug

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxWaiting is how many events of an interface wait for the user's script. A script that never ends must not fill the
// memory with them; the newest say how things are.
const maxWaiting = 64

// drainCommand is the configurator's command that runs Drain.
const drainCommand = "user"

// promisePatience is how long an event is waited for that somebody has promised.
const promisePatience = 5 * time.Second

// pause is the time between two looks whether a promise has been kept.
const pause = 20 * time.Millisecond

// Lane holds the events of one interface that the user's script has not been run for yet. Whoever adds one does not wait
// for the script: it may take minutes, or call mwan3 or its init script, which would then wait for each other. There is one
// process that takes the events out, as long as there are any. So the events of an interface stay in order, and those of
// other interfaces do not have to wait.
//
// The file is locked only while it is changed, never while anybody's code runs.
type Lane struct{ Dir, Interface string }

// LaneOf returns the lane of an interface, in the router's own place. It outlives a stop, which has events of its own.
func LaneOf(iface string) Lane { return Lane{"/var/run/mwan3user", iface} }

// queue is what a lane holds.
type queue struct {
	runner  int   // the process that takes events out; 0: none
	telling []int // processes that are telling all scripts what netifd said
	entries []entry
}

// entry is an event, or the promise of one.
type entry struct {
	teller int // the process that has promised to bring it; 0: it is here
	event  Event
}

// Promise notes that teller, a hotplug-call, is telling everybody of an event, and keeps the place of that event, which
// it will add in a moment: what the event brings about may be told of sooner, and belongs behind it.
func (l Lane) Promise(teller int) error {
	return l.edit(func(q *queue) error {
		q.telling = append(slices.DeleteFunc(q.telling, func(pid int) bool { return !alive(pid) }), teller)
		q.forget(alive)
		q.append(entry{teller: teller})
		return nil
	})
}

// Await waits until all who have promised an event have ended, so that every script hears first of what netifd said and then
// of what a tracker made of it. It gives up after a while: scripts may take long.
func (l Lane) Await() error {
	if _, err := os.Stat(filepath.Join(l.Dir, filepath.Base(l.Interface))); err != nil {
		return nil
	}
	deadline := time.Now().Add(promisePatience)
	for {
		waiting := false
		err := l.edit(func(q *queue) error {
			q.telling = slices.DeleteFunc(q.telling, func(pid int) bool { return !alive(pid) || time.Now().After(deadline) })
			waiting = len(q.telling) > 0
			return nil
		})
		if err != nil || !waiting {
			return err
		}
		time.Sleep(pause)
	}
}

// Add puts an event into the place that teller was promised, or at the end. If nobody takes events out it starts
// `configurator user <interface>`, which runs Drain. The result tells how many events had to be left out because the
// script is too slow.
func (l Lane) Add(event Event, teller int, configurator string) (left int, err error) {
	if strings.ContainsAny(string(event.Action)+event.Device, "\t\n") {
		return 0, fmt.Errorf("event %q with device %q: a character that no name has", event.Action, event.Device)
	}
	err = l.edit(func(q *queue) error {
		left = q.add(event, teller)
		if l.drainedBy(q.runner) {
			return nil
		}
		q.runner, err = startAlone(configurator, drainCommand, l.Interface)
		return err
	})
	return left, err
}

// Drain calls run for one event after the other and returns when there is none left. Only the process that Add has started
// calls it.
func (l Lane) Drain(run func(Event)) error {
	for {
		event, ok, err := l.next()
		if err != nil || !ok {
			return err
		}
		run(event)
	}
}

// next takes the oldest event out. A promise whose process has ended, or takes too long, is forgotten. A lane that is gone, as
// after the removal of the package, has none, and does not come back.
func (l Lane) next() (event Event, ok bool, err error) {
	deadline := time.Now().Add(promisePatience)
	for waiting := true; waiting && err == nil; {
		err = l.change(0, func(q *queue) error {
			q.forget(func(teller int) bool { return time.Now().Before(deadline) && alive(teller) })
			waiting = len(q.entries) > 0 && q.entries[0].teller != 0
			switch {
			case len(q.entries) == 0:
				q.runner = 0
			case !waiting:
				event, ok = q.entries[0].event, true
				q.entries = q.entries[1:]
			}
			return nil
		})
		if waiting {
			time.Sleep(pause)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Event{}, false, nil
	}
	event.Interface = l.Interface
	return event, ok, err
}

// drainedBy tells whether a process is one that takes events out of this lane.
func (l Lane) drainedBy(pid int) bool {
	words, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.HasSuffix(words, []byte("\x00"+drainCommand+"\x00"+l.Interface+"\x00"))
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func (q *queue) append(e entry) {
	q.entries = append(q.entries, e)
	if len(q.entries) > maxWaiting {
		q.entries = q.entries[1:]
	}
}

func (q *queue) add(event Event, teller int) (left int) {
	for i, e := range q.entries {
		if e.teller == teller && teller != 0 {
			q.entries[i] = entry{event: event}
			return 0
		}
	}
	before := len(q.entries)
	q.append(entry{event: event})
	return before + 1 - len(q.entries)
}

// forget drops the promises in front that will not be kept.
func (q *queue) forget(kept func(teller int) bool) {
	for len(q.entries) > 0 && q.entries[0].teller != 0 && !kept(q.entries[0].teller) {
		q.entries = q.entries[1:]
	}
}

// edit changes what is in the lane, which it makes if needed.
func (l Lane) edit(change func(*queue) error) error {
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return err
	}
	return l.change(os.O_CREATE, change)
}

// change changes what is in the lane; nobody else does meanwhile. The flag is one of opening its file.
func (l Lane) change(flag int, change func(*queue) error) error {
	if filepath.Base(l.Interface) != l.Interface {
		return fmt.Errorf("interface %q cannot be a file name", l.Interface)
	}
	file, err := os.OpenFile(filepath.Join(l.Dir, l.Interface), os.O_RDWR|flag, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	q := parseQueue(string(text))
	if err := change(&q); err != nil {
		return err
	}
	return rewrite(file, q.String())
}

func rewrite(file *os.File, text string) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// String is the form that a lane has in its file: the runner; those who are telling; then a line for each entry, in which
// a promise has the number of its process and an event has its action and its device.
func (q queue) String() string {
	text := strconv.Itoa(q.runner) + "\n"
	for _, pid := range q.telling {
		text += strconv.Itoa(pid) + " "
	}
	text += "\n"
	for _, e := range q.entries {
		if e.teller != 0 {
			text += strconv.Itoa(e.teller) + "\n"
		} else {
			text += string(e.event.Action) + "\t" + e.event.Device + "\n"
		}
	}
	return text
}

// parseQueue reads it. What it does not understand, as after a full memory, is left out.
func parseQueue(text string) queue {
	var q queue
	runner, rest, _ := strings.Cut(text, "\n")
	q.runner, _ = strconv.Atoi(runner)
	telling, rest, _ := strings.Cut(rest, "\n")
	for _, word := range strings.Fields(telling) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 0 {
			q.telling = append(q.telling, pid)
		}
	}
	for _, line := range strings.Split(rest, "\n") {
		action, device, isEvent := strings.Cut(line, "\t")
		teller, err := strconv.Atoi(line)
		switch {
		case isEvent:
			q.entries = append(q.entries, entry{event: Event{Action: Action(action), Device: device}})
		case err == nil && teller > 0:
			q.entries = append(q.entries, entry{teller: teller})
		}
	}
	return q
}
