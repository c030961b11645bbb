// Package alike shows that it does not matter to packets which backend marks them: every configuration of the records
// is loaded with iptables and with nftables, and the same packets are sent through both.
package alike

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"e2e/lab"
	"e2e/lab/labtest"
	"e2e/record"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// TestBothBackendsSendTheSamePacketsTheSameWay fires the probes of the table at every configuration in several states,
// and compares where each went, with which mark, and which mark its connection got. The verdicts come from the test, so no
// trackers run.
func TestBothBackendsSendTheSamePacketsTheSameWay(t *testing.T) {
	files, err := filepath.Glob("../upstream/testdata/*.txtar")
	if err != nil || len(files) != 15 {
		t.Fatalf("%d records, want 15 (%v)", len(files), err)
	}
	labtest.Build(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labtest.In(t, func(t *testing.T) { compareBackends(t, record.Read(t, file)) })
		})
	}
}

// compareBackends plays a record with both backends. What iptables does, as upstream did, is what nftables has to do.
func compareBackends(t *testing.T, r record.Record) {
	if err := lab.Install(os.Getenv(labtest.BinEnv)); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, r)
	reference := s.play("iptables", nil)
	s.compare(reference, s.play("nftables", reference))
}
