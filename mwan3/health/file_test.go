package health

import (
	"os"
	"syscall"
	"testing"
)

func TestWhatIsNoFileHoldsNothingAndKeepsNobodyWaiting(t *testing.T) {
	dir := t.TempDir()
	check(t, syscall.Mkfifo(dir+"/pipe", 0o644), os.Mkdir(dir+"/directory", 0o755), os.Symlink("loop", dir+"/loop"))
	for _, name := range []string{"pipe", "directory", "loop", "nothing"} {
		if got := readValue(dir, name); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
