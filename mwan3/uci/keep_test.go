package uci

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsKeptReadsLikeWhatWas(t *testing.T) {
	dir, root := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	l := Layers{
		Files:  []string{filepath.Join(dir, "run", "mwan3"), filepath.Join(dir, "etc", "mwan3")},
		Deltas: []string{filepath.Join(dir, "tmp", "mwan3"), filepath.Join(dir, "state", "mwan3")},
	}
	for file, text := range map[string]string{
		l.Files[1]:  "config interface 'wan'\n\toption enabled '0'\n",
		l.Deltas[0]: "mwan3.wan.enabled='1'\n",
	} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := values(t, l)
	if err := l.Keep(root); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, values(t, l.Below(root))); diff != "" {
		t.Error(diff)
	}
	if err := l.Keep(root); err != nil { // all of it is gone, and so is the copy then
		t.Fatal(err)
	}
	if _, _, err := Load(l.Below(root)); err == nil {
		t.Error("what is gone is still kept")
	}
}

func TestACopyThatFailsLeavesNone(t *testing.T) {
	dir, root := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	file := filepath.Join(dir, "mwan3")
	if err := os.WriteFile(file, []byte("config interface 'wan'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := Layers{Files: []string{file}, Deltas: []string{dir}} // a directory is no configuration
	if err := l.Keep(root); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("something is there: %v", err)
	}
}

// values lists the sections' names and options without their lines.
func values(t *testing.T, l Layers) []string {
	t.Helper()
	sections, faults, err := Load(l)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	var all []string
	for _, section := range sections {
		all = append(all, section.Type+" "+section.Name)
		for _, option := range section.Options {
			for _, value := range option.Values {
				all = append(all, option.Name+" "+value.Text)
			}
		}
	}
	return all
}
