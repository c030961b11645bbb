package hotplug

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mwan3/emulation"
)

// script returns the path of a configurator that does what a shell script says.
func script(t *testing.T, text string) string {
	t.Helper()
	emulation.StartsPrograms(t)
	path := filepath.Join(t.TempDir(), "mwan3")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheConfiguratorAnswers(t *testing.T) {
	t.Setenv("SECRET", "1")
	lock, err := os.CreateTemp(t.TempDir(), "lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	missing := filepath.Join(t.TempDir(), "mwan3")
	for _, test := range []struct{ name, path, out, err string }{
		{"an answer", script(t, `echo "$@"; echo two`), "path wan x\ntwo\n", ""},
		{"words aside", script(t, "echo well; echo careful >&2"), "well\n", ""},
		{"no environment but the path", script(t, `echo "$SECRET$(ls /proc/self/fd | tr '\n' ' ')"`), "0 1 2 3 \n", ""},
		{"a failure with words", script(t, "echo half; echo mwan3: netifd does not answer >&2; exit 1"), "",
			"run MWAN3 path wan x: exit status 1: netifd does not answer"},
		{"a failure", script(t, "exit 3"), "", "run MWAN3 path wan x: exit status 3"},
		{"nobody", missing, "", "run MWAN3 path wan x: fork/exec MWAN3: no such file or directory"},
	} {
		out, err := Router{Configurator: test.path}.Ask(context.Background(), "path", "wan", "x")
		text := ""
		if err != nil {
			text = strings.ReplaceAll(err.Error(), test.path, "MWAN3")
		}
		if out != test.out || text != test.err {
			t.Errorf("%s: %q, %q; want %q, %q", test.name, out, text, test.out, test.err)
		}
	}
}

func TestAQuestionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := Router{Configurator: script(t, "sleep 20")}.Ask(ctx, "path", "wan")
	if err == nil || time.Since(begin) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}
