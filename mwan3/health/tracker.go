package health

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Tracker writes what the tracker of one interface knows, into its own directory. Only OpenTracker makes that
// directory: when mwan3 is stopped and removes it, a tracker that lives a moment longer does not bring it back.
//
// A value that is in its file already is not written again: in a quiet round only TURN and TIME are.
type Tracker struct {
	dir   string
	files map[string]*file // by name: those written since Clean
}

// OpenTracker makes the directory of an interface's tracker, removes whatever an earlier one left there, apart from
// STATUS, which says what was known last until the new tracker replaces it, and enters this process.
func (s Store) OpenTracker(iface string) (Tracker, error) {
	if err := checkName("interface", iface); err != nil {
		return Tracker{}, err
	}
	t := Tracker{filepath.Join(s.TrackDir, iface), map[string]*file{}}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return t, fmt.Errorf("make the tracker's directory: %w", err)
	}
	return t, errors.Join(t.Clean(), t.set("PID", os.Getpid()))
}

// Clean removes all files but PID and STATUS: what they say is about targets and rounds that are no more.
func (t Tracker) Clean() error {
	clear(t.files)
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return fmt.Errorf("clean %s: %w", t.dir, err)
	}
	var errs []error
	for _, entry := range entries {
		if name := entry.Name(); name != "PID" && name != "STATUS" {
			errs = append(errs, remove(filepath.Join(t.dir, name)))
		}
	}
	return errors.Join(errs...)
}

// settingsFile holds what the tracker goes by.
const settingsFile = "SETTINGS"

// SetSettings writes SETTINGS: the answer of `mwan3 tracking` that the tracker goes by. It may have many lines.
func (t Tracker) SetSettings(answer string) error {
	return t.write(settingsFile, strings.TrimSuffix(answer, "\n"))
}

// ForgetSettings removes SETTINGS: the tracker is about to go by others.
func (t Tracker) ForgetSettings() error {
	delete(t.files, settingsFile)
	return remove(filepath.Join(t.dir, settingsFile))
}

// SetStatus writes STATUS.
func (t Tracker) SetStatus(status Status) error { return t.write("STATUS", string(status)) }

// SetStarted writes STARTED.
func (t Tracker) SetStarted(started bool) error {
	if started {
		return t.set("STARTED", 1)
	}
	return t.set("STARTED", 0)
}

// SetSince writes ONLINE and OFFLINE: uptimes in seconds, 0 for the one that does not hold.
func (t Tracker) SetSince(online, offline int) error {
	return errors.Join(t.set("ONLINE", online), t.set("OFFLINE", offline))
}

// SetTarget writes what the last round said about a target.
func (t Tracker) SetTarget(host string, status TargetStatus) error {
	if err := checkName("target", host); err != nil {
		return err
	}
	return t.write("TRACK_"+host, string(status))
}

// SetQuality writes a target's figures: LATENCY_<host>, LOSS_<host> and JITTER_<host>.
func (t Tracker) SetQuality(host string, figures Figures) error {
	if err := checkName("target", host); err != nil {
		return err
	}
	return t.setFigures("_"+host, figures)
}

// SetFigures writes those of the interface: LATENCY, LOSS and JITTER.
func (t Tracker) SetFigures(figures Figures) error { return t.setFigures("", figures) }

func (t Tracker) setFigures(suffix string, figures Figures) error {
	return errors.Join(
		t.set("LATENCY"+suffix, figures.Latency),
		t.set("LOSS"+suffix, figures.Loss),
		t.set("JITTER"+suffix, figures.Jitter),
	)
}

// SetScore writes SCORE, when it changes between two rounds.
func (t Tracker) SetScore(score int) error { return t.set("SCORE", score) }

// Round is what a round ends with.
type Round struct{ Lost, Score, Turn int }

// SetRound writes LOST, SCORE, TURN and, as the uptime in seconds of its end, TIME.
func (t Tracker) SetRound(round Round, time int) error {
	return errors.Join(
		t.set("LOST", round.Lost),
		t.set("SCORE", round.Score),
		t.set("TURN", round.Turn),
		t.set("TIME", time),
	)
}

func (t Tracker) set(name string, value int) error {
	var buffer [20]byte
	return t.put(name, strconv.AppendInt(buffer[:0], int64(value), 10))
}

func (t Tracker) write(name, value string) error { return t.put(name, []byte(value)) }

// put writes a value unless the file holds it. In a quiet round, which writes TURN and TIME, it leaves no garbage.
func (t Tracker) put(name string, value []byte) error {
	f, ok := t.files[name]
	if !ok {
		f = newFile(t.dir, name)
		t.files[name] = f
	}
	if f.known && bytes.Equal(f.value, value) {
		return nil
	}
	return f.replace(value)
}
