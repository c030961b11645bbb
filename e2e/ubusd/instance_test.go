package ubusd

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/ubus"
)

func TestAProcessThatEndsIsStartedAgainUntilItCrashesTooOften(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	set(t, client, "a", row("command", ubus.Array{"sh", "-c", "exit 3"}, "respawn", ubus.Array{"3600", "0", "2"}))
	for count := range 2 {
		got := await(t, client, "instance.respawn", "a")
		if got.Int("respawn_count") != int64(count+1) || got.Int("exit_code") != 3 {
			t.Errorf("respawn %d: %v", count+1, got)
		}
	}
	await(t, client, "instance.fail", "a")
	want := row("running", false, "command", ubus.Array{"sh", "-c", "exit 3"}, "term_timeout", int64(5), "exit_code", int64(3))
	if diff := cmp.Diff(want, instanceOf(t, client, "a")); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
	set(t, client, "a", row("command", sleeper(), "respawn", ubus.Array{}))
	if !instanceOf(t, client, "a").Bool("running") {
		t.Error("set does not revive it")
	}
}

func TestAProcessThatLivedLongEnoughHasNotCrashed(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	set(t, client, "a", row("command", ubus.Array{"true"}, "respawn", ubus.Array{"0", "0", "1"}))
	for range 3 {
		if got := await(t, client, "instance.respawn", "a"); got.Int("respawn_count") != 0 {
			t.Errorf("counted %v", got)
		}
	}
}

// stubborn starts a process that does not heed SIGTERM, and waits until it is so.
func stubborn(t *testing.T, s *Server, client *ubus.Client, settings ...any) (pid int) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	s.SetCommand(func(argv []string) *exec.Cmd {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout = write
		return cmd
	})
	command := ubus.Array{"sh", "-c", "trap : TERM; trap 'exit 7' USR1; echo ready; exec >&-; while :; do sleep 0.01; done"}
	set(t, client, "a", append(row("command", command), row(settings...)...))
	write.Close()
	if _, err := io.ReadFull(read, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return int(instanceOf(t, client, "a").Int("pid"))
}

func TestAProcessThatDoesNotEndIsKilled(t *testing.T) {
	s, path := start(t)
	client := services(t, path)
	pid := stubborn(t, s, client, "term_timeout", 0)
	call(t, client, "service", "delete", row("name", "mwan3"))
	await(t, client, "service.stop", "")
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
	}
}

func TestSetDuringTheStopStartsAgainAfterwards(t *testing.T) {
	s, path := start(t)
	client := services(t, path)
	stubborn(t, s, client, "term_timeout", 1000)
	call(t, client, "service", "delete", row("name", "mwan3"))
	set(t, client, "a", row("command", sleeper()))
	call(t, client, "service", "signal", row("name", "mwan3", "instance", "a", "signal", 10))
	await(t, client, "instance.stop", "a")
	await(t, client, "instance.start", "a")
	got := instanceOf(t, client, "a")
	if !got.Bool("running") || cmp.Diff(sleeper(), got.Array("command")) != "" {
		t.Errorf("afterwards %v", got)
	}
}

func TestSignalsReachOneOrAllInstances(t *testing.T) {
	s, path := start(t)
	client := services(t, path)
	stubborn(t, s, client)
	call(t, client, "service", "signal", row("name", "mwan3", "instance", "a", "signal", 10))
	await(t, client, "instance.stop", "a")
	if code := instanceOf(t, client, "a").Int("exit_code"); code != 7 {
		t.Errorf("exit code %d", code)
	}
	set(t, client, "b", row("command", sleeper()))
	call(t, client, "service", "signal", row("name", "mwan3"))
	await(t, client, "instance.stop", "b")
	if code := instanceOf(t, client, "b").Int("exit_code"); code != 129 {
		t.Errorf("exit code %d after SIGHUP", code)
	}
}

func TestAReloadSignalTakesThePlaceOfARestart(t *testing.T) {
	s, path := start(t)
	client := services(t, path)
	pid := stubborn(t, s, client, "reload_signal", 10)
	set(t, client, "a", row("command", sleeper(), "reload_signal", 10))
	await(t, client, "instance.stop", "a")
	got := instanceOf(t, client, "a")
	if got.Bool("running") || got.Int("exit_code") != 7 {
		t.Errorf("process %d was not told: %v", pid, got)
	}
}

func TestProcessesSurviveARestartOfUbusdAndEndWithTheServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ubus.sock")
	s, err := Start(path)
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, path)
	set(t, client, "a", row("command", sleeper(), "respawn", ubus.Array{"0", "0", "0"}))
	pid := instanceOf(t, client, "a").Int("pid")
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if again := instanceOf(t, dial(t, path), "a").Int("pid"); again != pid {
		t.Errorf("process %d became %d", pid, again)
	}
	s.Close()
	if err := syscall.Kill(int(pid), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: %v", pid, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}
