package apply

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
)

// seen is what a later run reads in a record.
type seen struct {
	Backend                    config.Backend
	Running, Stopping, Changed bool // Changed: a change was cut off
}

func look(t *testing.T, r Record) seen {
	t.Helper()
	backend, running := r.Running()
	_, err := os.Stat(r.path("changing"))
	return seen{backend, running, r.Stopping(), err == nil}
}

func TestARecordTellsALaterRunWhatWasCutOff(t *testing.T) {
	begin := func(r Record) error { _, err := r.Begin(); return err }
	stop := func(r Record) error { _, err := r.Stop(); return err }
	started := func(r Record) error { return r.Started(config.NFTables, config.DefaultMask) }
	steps := []struct {
		name string
		do   func(Record) error
		want seen
	}{
		{"nothing was ever done", func(Record) error { return nil }, seen{}},
		{"a start has begun", begin, seen{Stopping: true, Changed: true}},
		{"it changes the kernel", started, seen{Backend: config.NFTables, Running: true, Changed: true}},
		{"it has ended", Record.Done, seen{Backend: config.NFTables, Running: true}},
		{"a change has begun", begin, seen{Backend: config.NFTables, Running: true, Changed: true}},
		{"a stop has begun", stop, seen{Stopping: true, Changed: true}},
		{"another one, too", stop, seen{Stopping: true, Changed: true}},
		{"it has ended", Record.Clear, seen{}},
		{"the other one, too", Record.Clear, seen{}},
	}
	record := Record{t.TempDir() + "/mwan3"}
	for _, step := range steps {
		if err := step.do(record); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, look(t, record)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if _, err := os.Stat(record.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestBeginAndStopTellThatAnEarlierChangeWasCutOff(t *testing.T) {
	record := Record{t.TempDir()}
	var got []bool
	for _, do := range []func() (bool, error){record.Begin, record.Begin, record.Stop} {
		cutOff, err := do()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, cutOff)
	}
	if diff := cmp.Diff([]bool{false, true, true}, got); diff != "" {
		t.Error(diff)
	}
}
