package labtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"e2e/lab"
)

// BinEnv is the environment variable that names the directory of the three programs under test.
const BinEnv = "MWAN3_BIN"

// Build returns the directory of the programs under test: the one that BinEnv names, else one in which it builds them,
// and which BinEnv names until the test ends.
func Build(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv(BinEnv); dir != "" || lab.Inside() {
		return dir
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "e2e").Output()
	if err != nil {
		t.Fatal("find the sources: ", err)
	}
	sources, dir := filepath.Dir(strings.TrimSpace(string(out))), t.TempDir()
	for _, program := range []string{"mwan3", "mwan3track", "mwan3rtmon"} {
		out, err := exec.Command("go", "build", "-C", filepath.Join(sources, program), "-o", filepath.Join(dir, program), ".").CombinedOutput()
		if err != nil {
			t.Fatalf("build %s: %v\n%s", program, err, out)
		}
	}
	t.Cleanup(func() { os.Unsetenv(BinEnv) })
	os.Setenv(BinEnv, dir)
	return dir
}
