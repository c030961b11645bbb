package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mwan3/emulation"
)

// TestWhatDecidesIsNotLinked sees that the tracker is as small as it is because it asks mwan3. With the types of config
// come only the initial values of its packages, 3 KB.
func TestWhatDecidesIsNotLinked(t *testing.T) {
	emulation.StartsPrograms(t)
	program := filepath.Join(t.TempDir(), "mwan3track")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %s", err, out)
	}
	symbols, err := exec.Command("go", "tool", "nm", program).Output()
	must(t, err)
	for _, line := range strings.Split(string(symbols), "\n") {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != "T" {
			continue
		}
		for _, unwanted := range []string{"mwan3/config.Load", "mwan3/config.(*parser)", "mwan3/uci.(*", "mwan3/uci.Load", "mwan3/ubus.",
			"mwan3/survey.", "mwan3/plan.", "net.(*Resolver)", "net.(*Dialer)"} {
			if strings.HasPrefix(words[2], unwanted) {
				t.Errorf("%s is linked", words[2])
			}
		}
	}
}
