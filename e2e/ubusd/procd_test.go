package ubusd

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/ubus"
)

// services is a client that hears what procd does.
func services(t *testing.T, path string) *ubus.Client {
	t.Helper()
	client := dial(t, path)
	if err := client.Subscribe(within(t), "service"); err != nil {
		t.Fatal(err)
	}
	return client
}

// await waits until procd tells this about an instance ("" = about the service).
func await(t *testing.T, c *ubus.Client, what, instance string) ubus.Table {
	t.Helper()
	for {
		event, err := c.Next(within(t))
		if err != nil {
			t.Fatalf("%s of %s: %v", what, instance, err)
		}
		if event.Name == what && event.Data.Text("instance") == instance {
			return event.Data
		}
	}
}

// set sets the service mwan3 to have these instances.
func set(t *testing.T, c *ubus.Client, instances ...any) {
	t.Helper()
	call(t, c, "service", "set", row("name", "mwan3", "instances", row(instances...)))
}

func instanceOf(t *testing.T, c *ubus.Client, name string) ubus.Table {
	t.Helper()
	list := call(t, c, "service", "list", row("name", "mwan3"))
	return list.Table("mwan3").Table("instances").Table(name)
}

func sleeper() ubus.Array { return ubus.Array{"sleep", "1000"} }

func TestTheListOfServicesHasProcdsNamesTypesAndOrder(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	triggers := ubus.Array{ubus.Array{"config.change", ubus.Array{"run_script", "/etc/init.d/mwan3", "reload"}}}
	call(t, client, "service", "set", row("name", "mwan3", "triggers", triggers, "data", row("k", "v"), "instances", row(
		"track_wan", row("command", sleeper(), "respawn", ubus.Array{}, "env", row("A", "b"), "data", row("x", 1)),
		"no", row("command", ubus.Array{"/nonexistent"}, "term_timeout", 9, "reload_signal", 12),
		"idle", row())))
	pid := instanceOf(t, client, "track_wan").Int("pid")
	if err := syscall.Kill(int(pid), 0); err != nil {
		t.Errorf("process %d of track_wan: %v", pid, err)
	}
	want := row("mwan3", row("data", row("k", "v"),
		"instances", row(
			"idle", row("running", false, "command", nil, "term_timeout", int64(5), "exit_code", int64(0)),
			"no", row("running", false, "command", ubus.Array{"/nonexistent"}, "term_timeout", int64(9),
				"exit_code", int64(127), "reload_signal", int64(12)),
			"track_wan", row("running", true, "pid", pid, "command", sleeper(), "term_timeout", int64(5),
				"env", row("A", "b"), "data", row("x", int64(1)),
				"respawn", row("threshold", int64(3600), "timeout", int64(5), "retry", int64(5)))),
		"triggers", triggers))
	if diff := cmp.Diff(want, call(t, client, "service", "list", row("name", "mwan3", "verbose", true))); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if got := call(t, client, "service", "list", row("name", "other")); got != nil {
		t.Errorf("an unknown service: %v", got)
	}
}

func TestSetRestartsOnlyWhatHasChanged(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	file := filepath.Join(t.TempDir(), "config")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(command string) []any {
		return []any{
			"same", row("command", sleeper(), "data", row("command", command)),
			"command", row("command", ubus.Array{"sleep", command}),
			"file", row("command", sleeper(), "file", ubus.Array{file}),
		}
	}
	write("before")
	set(t, client, append(config("1001"), "extra", row("command", sleeper()))...)
	pids := map[string]int64{}
	for _, name := range []string{"same", "command", "file", "extra"} {
		await(t, client, "instance.start", name)
		pids[name] = instanceOf(t, client, name).Int("pid")
	}
	write("after")
	set(t, client, config("1002")...)
	for range 2 { // the starts of command and file, in any order
		for {
			event, err := client.Next(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if event.Name == "instance.start" {
				break
			}
		}
	}
	for name, want := range map[string]bool{"same": true, "command": false, "file": false} {
		if pid := instanceOf(t, client, name).Int("pid"); (pid == pids[name]) != want || pid == 0 {
			t.Errorf("%s had process %d and has %d", name, pids[name], pid)
		}
	}
	if got := instanceOf(t, client, "command").Array("command"); cmp.Diff(ubus.Array{"sleep", "1002"}, got) != "" {
		t.Errorf("the changed command is %v", got)
	}
}

func TestSetStopsWhatIsMissingAndAddDoesNot(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	set(t, client, "a", row("command", sleeper()))
	call(t, client, "service", "add", row("name", "mwan3", "instances", row("b", row("command", sleeper()))))
	if !instanceOf(t, client, "a").Bool("running") || !instanceOf(t, client, "b").Bool("running") {
		t.Error("after add not both run")
	}
	set(t, client, "b", row("command", sleeper()))
	await(t, client, "instance.stop", "a")
	if instanceOf(t, client, "a") != nil || !instanceOf(t, client, "b").Bool("running") {
		t.Error("after set not only b runs")
	}
}

func TestDeleteStopsAllAndForgetsTheService(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	set(t, client, "a", row("command", sleeper()), "b", row("command", sleeper()), "no", row("command", ubus.Array{"/nonexistent"}))
	call(t, client, "service", "delete", row("name", "mwan3", "instance", "a"))
	await(t, client, "instance.stop", "a")
	if got := instanceOf(t, client, "b"); !got.Bool("running") {
		t.Errorf("the other instance is %v", got)
	}
	call(t, client, "service", "delete", row("name", "mwan3"))
	await(t, client, "service.stop", "")
	if got := call(t, client, "service", "list", nil); got != nil {
		t.Errorf("left: %v", got)
	}
}

func TestAServiceWithoutAutostartWaits(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	call(t, client, "service", "set", row("name", "mwan3", "autostart", false, "instances", row("a", row("command", sleeper()))))
	list := call(t, client, "service", "list", row("name", "mwan3")).Table("mwan3")
	if got, given := list.Get("autostart").(bool); got || !given || list.Table("instances").Table("a").Bool("running") {
		t.Errorf("got %v", list)
	}
}

func TestProcdRefusesAsTheTrueOne(t *testing.T) {
	_, path := start(t)
	client := services(t, path)
	set(t, client, "a", row("command", sleeper()), "no", row("command", ubus.Array{"/nonexistent"}), "odd", "x")
	tests := map[string]struct {
		method string
		args   ubus.Table
		want   ubus.Status
	}{
		"set without name":           {"set", nil, ubus.StatusInvalidArgument},
		"delete without name":        {"delete", nil, ubus.StatusNotFound},
		"delete of nothing":          {"delete", row("name", "x"), ubus.StatusNotFound},
		"delete of no instance":      {"delete", row("name", "mwan3", "instance", "x"), ubus.StatusNotFound},
		"signal without name":        {"signal", nil, ubus.StatusNotFound},
		"signal to nothing":          {"signal", row("name", "mwan3", "instance", "x"), ubus.StatusNotFound},
		"signal to what has ended":   {"signal", row("name", "mwan3", "instance", "no"), ubus.StatusNotFound},
		"signal that does not exist": {"signal", row("name", "mwan3", "instance", "a", "signal", 9999), ubus.StatusInvalidArgument},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := client.Call(within(t), "service", test.method, test.args)
			if got != nil || !errors.Is(err, test.want) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
