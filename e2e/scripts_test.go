// Package e2e runs the scripts of testdata/script: each in a lab of its own, once with each firewall backend, but those
// in script/track with one of them. Package words explains their vocabulary. MWAN3_BIN names a directory with the
// programs to test; else they are built here.
//
//	go test ./e2e -run 'Scripts/failover'
package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
	"e2e/lab/labtest"
	"e2e/words"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func TestScripts(t *testing.T) {
	both := []string{"nftables", "iptables"}
	runAll(t, "testdata/script/*.txtar", both)
	runAll(t, "testdata/script/track/*.txtar", both[:1]) // trackers do not know how packets are marked
}

// runAll runs the scripts that a pattern finds.
func runAll(t *testing.T, pattern string, backends []string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts %s found: %v", pattern, err)
	}
	labtest.Build(t)
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/script/"), ".txtar")
		for _, backend := range backends {
			t.Run(name+"/"+backend, func(t *testing.T) {
				t.Parallel()
				labtest.In(t, func(t *testing.T) { run(t, file, backend) })
			})
		}
	}
}

// run runs one script in this process's lab.
func run(t *testing.T, file, backend string) {
	files, err := filepath.Abs("../openwrt/files")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(lab.LogFile); err == nil && t.Failed() {
			t.Logf("the router's log:\n%s", log)
		}
	})
	options := words.Options{Backend: backend, Bin: os.Getenv(labtest.BinEnv), Files: files, Draw: words.Here}
	testscript.Run(t, words.Params(file, options))
}
