package ubusd

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/ubus"
)

// echo is a plugin whose method echo returns its arguments, and whose others misbehave.
const echo = `#!/bin/sh
case "$*" in
list) echo '{"echo":{"text":"x","on":true,"list":[],"table":{},"number":1},"garbage":{},"silence":{},"slow":{}}' ;;
"call echo") cat; exit 1 ;;
"call garbage") echo '{"a":' ;;
"call slow") while [ ! -e "${0%/*}/../go" ]; do sleep 0.01; done; echo '{}' ;;
esac
`

// startEcho starts a server with that plugin and returns the directory of the file go, which ends its method slow.
func startEcho(t *testing.T) (s *Server, path, dir string) {
	t.Helper()
	s, path = start(t)
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "rpcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rpcd", "echo"), []byte(echo), 0o755); err != nil {
		t.Fatal(err)
	}
	s.StartRpcd(filepath.Join(dir, "rpcd"), "")
	return s, path, dir
}

func TestAPluginAnswersAsRpcdLetsIt(t *testing.T) {
	s, path, _ := startEcho(t)
	check := func() {
		client := dial(t, path)
		args := row("text", "ä\"", "on", true, "list", ubus.Array{int64(1)}, "table", row("a", int64(-5)))
		if diff := cmp.Diff(args, call(t, client, "echo", "echo", args)); diff != "" {
			t.Error(diff)
		}
		for method, want := range map[string]ubus.Status{
			"garbage": ubus.StatusInvalidArgument, "silence": ubus.StatusNoData, "unknown": ubus.StatusMethodNotFound,
		} {
			if _, err := client.Call(within(t), "echo", method, nil); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", method, err, want)
			}
		}
	}
	check()
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	check()
}

func TestASlowPluginKeepsNobodyWaiting(t *testing.T) {
	_, path, dir := startEcho(t)
	slow, other := dial(t, path), dial(t, path)
	ended := make(chan error, 1)
	go func() {
		_, err := slow.Call(within(t), "echo", "slow", nil)
		ended <- err
	}()
	call(t, other, "echo", "echo", row("text", "x"))
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// What a package's scripts may do to rpcd: a reload finds new plugins and forgets nobody, a restart logs everybody out.
func TestAReloadOfRpcdForgetsNobody(t *testing.T) {
	t.Parallel()
	s, path := start(t)
	scripts := t.TempDir()
	s.StartRpcd("", scripts)
	client := dial(t, path)
	session := call(t, client, "session", "create", nil)
	if err := os.WriteFile(filepath.Join(scripts, "late"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		method string
		want   error
	}{{"reload", nil}, {"restart", ubus.StatusNotFound}} {
		call(t, client, "rpcd", step.method, nil)
		if _, err := client.Call(within(t), "late", "status", nil); !errors.Is(err, ubus.StatusNotSupported) {
			t.Errorf("after a %s the new plugin: %v", step.method, err)
		}
		if _, err := client.Call(within(t), "session", "list", session); !errors.Is(err, step.want) {
			t.Errorf("after a %s the session: %v", step.method, err)
		}
	}
}
