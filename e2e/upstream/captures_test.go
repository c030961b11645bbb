// Package upstream compares what mwan3 makes of a configuration with what upstream made of it.
package upstream

import (
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"e2e/lab"
	"e2e/lab/labtest"
	"e2e/record"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// compared names the parts of a step that are compared.
var compared = regexp.MustCompile(`^(ip[46]-rule|ip[46]-route-table-\d+|ip6?tables-mangle|ipset-save|mwan3-status|ubus-mwan3-status)$`)

// TestDifferencesToUpstreamAreMeant plays every record with the iptables backend and compares rules, tables, chains,
// sets, the text of `mwan3 status` and the answer over ubus after every step. Each line that differs must be one of the differences that
// differences_test.go explains, and each of those must occur.
func TestDifferencesToUpstreamAreMeant(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) != 15 {
		t.Fatalf("%d records, want 15 (%v)", len(files), err)
	}
	labtest.Build(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labtest.In(t, func(t *testing.T) { play(t, name, record.Read(t, file)) })
		})
	}
}

// play carries out the steps of a record and compares after each.
func play(t *testing.T, name string, r record.Record) {
	if err := lab.Install(os.Getenv(labtest.BinEnv)); err != nil {
		t.Fatal(err)
	}
	m := record.NewRouter(t, r)
	m.Configure(r["mwan3"], "iptables")
	ledger := newLedger(name)
	for _, step := range r.Steps() {
		m.SetRoutes(step)
		m.Act(step)
		var left []string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			left = unexplained(m, r, step, ledger)
			if len(left) == 0 && !ledger.awaits(partsOf(r, step)) {
				break
			}
		}
		for _, difference := range left {
			t.Errorf("%s", difference)
		}
	}
	for _, unused := range ledger.unused() {
		t.Errorf("this difference does not occur any more: %s", unused)
	}
}

// partsOf names the parts of a step that are compared.
func partsOf(r record.Record, step string) []string {
	var parts []string
	for part := range r {
		if name, ok := strings.CutPrefix(part, step+"/"); ok && compared.MatchString(name) {
			parts = append(parts, part)
		}
	}
	return parts
}

// unexplained lists the lines of a step's parts that differ from upstream's and are not meant to.
func unexplained(m *record.Router, r record.Record, step string, known ledger) []string {
	var left []string
	for _, part := range partsOf(r, step) {
		name := strings.TrimPrefix(part, step+"/")
		for _, line := range diff(canonical(name, r[part]), canonical(name, m.Part(name))) {
			if !known.explains(part, line) {
				left = append(left, part+": "+line)
			}
		}
	}
	sort.Strings(left)
	return left
}
