// Package record reads what upstream was recorded doing (upstream/testdata) and rebuilds the machine that it was recorded
// on, for tests: in a lab, one step after the other.
package record

import (
	"sort"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Record is one file: parts by name, "mwan3" or "1-start/ip4-rule".
type Record map[string]string

// Read reads a file.
func Read(t *testing.T, file string) Record {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := Record{}
	for _, part := range archive.Files {
		r[part.Name] = string(part.Data)
	}
	return r
}

// Steps lists the steps of the record in order.
func (r Record) Steps() []string {
	var steps []string
	for name := range r {
		if step, ok := strings.CutSuffix(name, "/ip4-rule"); ok {
			steps = append(steps, step)
		}
	}
	sort.Strings(steps)
	return steps
}
