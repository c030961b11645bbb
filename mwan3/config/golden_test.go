package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"mwan3/uci"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata")

// Each file of testdata has the UCI text (mwan3, and delta if there is one) and what comes of it: faults, the faults
// that only a check reports (check), and the configuration (config). An absent part is empty; config is compared
// only where it is present.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			checkGolden(t, file)
		})
	}
}

func checkGolden(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, part := range archive.Files {
		parts[part.Name] = string(part.Data)
	}
	got := loadParts(t, parts)
	if *update {
		rewrite(t, file, archive, got)
		return
	}
	for _, name := range []string{"faults", "check", "config"} {
		want, present := parts[name]
		if name == "config" && !present {
			continue
		}
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// loadParts loads the text as a router would and returns the parts that come of it.
func loadParts(t *testing.T, parts map[string]string) map[string]string {
	dir := t.TempDir()
	layers := uci.Layers{Files: []string{write(t, dir, "mwan3", parts["mwan3"])}}
	if delta, ok := parts["delta"]; ok {
		layers.Deltas = []string{write(t, filepath.Join(dir, "delta"), "mwan3", delta)}
	}
	cfg, faults, err := Load(layers)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"config": dump(cfg)}
	for _, f := range faults {
		name := "faults"
		if f.Unknown {
			name = "check"
		}
		got[name] += strings.ReplaceAll(f.String(), dir+"/", "") + "\n"
	}
	return got
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rewrite writes what came of the text back into the file.
func rewrite(t *testing.T, file string, archive *txtar.Archive, got map[string]string) {
	var inputs []txtar.File
	for _, part := range archive.Files {
		if part.Name == "mwan3" || part.Name == "delta" {
			inputs = append(inputs, part)
		}
	}
	for _, name := range []string{"faults", "check", "config"} {
		if got[name] != "" {
			inputs = append(inputs, txtar.File{Name: name, Data: []byte(got[name])})
		}
	}
	archive.Files = inputs
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
