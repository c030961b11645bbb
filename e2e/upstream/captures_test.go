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

	"github.com/rogpeppe/go-internal/txtar"

	"e2e/lab"
	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// record is one file of testdata: parts by name, "mwan3" or "1-start/ip4-rule".
type record map[string]string

func readRecord(t *testing.T, file string) record {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := record{}
	for _, part := range archive.Files {
		r[part.Name] = string(part.Data)
	}
	return r
}

// steps lists the steps of the record in order.
func (r record) steps() []string {
	var steps []string
	for name := range r {
		if step, ok := strings.CutSuffix(name, "/ip4-rule"); ok {
			steps = append(steps, step)
		}
	}
	sort.Strings(steps)
	return steps
}

// compared names the parts of a step that are compared.
var compared = regexp.MustCompile(`^(ip[46]-rule|ip[46]-route-table-\d+|ip6?tables-mangle|ipset-save|mwan3-status)$`)

// TestDifferencesToUpstreamAreMeant plays every record with the iptables backend and compares rules, tables, chains,
// sets and the text of `mwan3 status` after every step. Each line that differs must be one of the differences that
// differences_test.go explains, and each of those must occur.
func TestDifferencesToUpstreamAreMeant(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) != 15 {
		t.Fatalf("%d records, want 15 (%v)", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labtest.In(t, func(t *testing.T) { play(t, name, readRecord(t, file)) })
		})
	}
}

// play carries out the steps of a record and compares after each.
func play(t *testing.T, name string, r record) {
	if err := lab.Install(os.Getenv("MWAN3_BIN")); err != nil {
		t.Fatal(err)
	}
	m := newRouter(t, r)
	ledger := newLedger(name)
	for _, step := range r.steps() {
		m.setRoutes(step)
		m.act(step)
		var left []string
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if left = m.differences(step, ledger); len(left) == 0 || time.Now().After(deadline) {
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

// act does what was done in a step.
func (m *router) act(step string) {
	m.t.Helper()
	switch step {
	case "1-start":
		m.run("mwan3", "start")
	case "2-disconnected":
		m.hotplug("disconnected", "wan", "wan0")
	case "3-connected":
		m.hotplug("connected", "wan", "wan0")
	case "4-mwan3-ifdown":
		m.run("mwan3", "ifdown", "wan")
	case "5-mwan3-ifup":
		m.run("mwan3", "ifup", "wan")
	case "6-netifd-ifdown":
		m.setUp(m.iface("wan"), false)
		m.hotplug("ifdown", "wan", "")
	case "7-netifd-ifup":
		m.setUp(m.iface("wan"), true)
		m.setRoutes(step)
		m.hotplug("ifup", "wan", "wan0")
	case "8a-mwan3-ifdown-wan6":
		m.run("mwan3", "ifdown", "wan6")
	case "8b-mwan3-ifup-wan6":
		m.run("mwan3", "ifup", "wan6")
	case "9-stop":
		m.run("mwan3", "stop")
	default:
		m.t.Fatalf("nobody knows what to do in step %s", step)
	}
}

// differences lists the lines of a step's parts that differ from upstream's and are not meant to.
func (m *router) differences(step string, known ledger) []string {
	m.t.Helper()
	var left []string
	for part, theirs := range m.record {
		name, ok := strings.CutPrefix(part, step+"/")
		if !ok || !compared.MatchString(name) {
			continue
		}
		ours, err := m.section(name)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, line := range diff(canonical(name, theirs), canonical(name, ours)) {
			if !known.explains(part, line) {
				left = append(left, part+": "+line)
			}
		}
	}
	sort.Strings(left)
	return left
}
