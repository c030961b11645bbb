package hotplug

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/emulation"
)

// TestMain makes the test binary stand in for the tools when it is started under the name tool.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "tool" {
		os.Exit(report(filepath.Dir(os.Args[0])))
	}
	if filepath.Base(os.Args[0]) == "drainer" {
		os.Exit(drain(filepath.Dir(os.Args[0]), os.Args[2]))
	}
	os.Exit(m.Run())
}

// report writes its arguments, environment and open files, but those of the Go runtime, into a file and returns the
// exit code that the test wants.
func report(dir string) int {
	lines := append(os.Args[1:], os.Environ()...)
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if own := regexp.MustCompile("^(/proc/|/sys/|anon_inode:)"); err == nil && !own.MatchString(target) {
			lines = append(lines, "fd "+entry.Name())
		}
	}
	if os.WriteFile(filepath.Join(dir, "report"), []byte(strings.Join(lines, "\n")), 0o644) != nil {
		return 99
	}
	code, _ := os.ReadFile(filepath.Join(dir, "exit"))
	return len(code)
}

// tool returns the path of a stand-in that ends with an exit code.
func tool(t *testing.T, exit int) string {
	t.Helper()
	emulation.StartsPrograms(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tool")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "exit"), make([]byte, exit), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns what the stand-in reported.
func read(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "report"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

func TestScriptsGetTheEnvironmentOfUpstream(t *testing.T) {
	for _, test := range []struct {
		name  string
		event Event
		want  []string
	}{
		{"first connect", Event{Action: Connected, Interface: "wan", Device: "eth0", First: true},
			[]string{"ACTION=connected", "FIRSTCONNECT=1", "INTERFACE=wan", "DEVICE=eth0"}},
		{"connected", Event{Action: Connected, Interface: "wan", Device: "eth0"},
			[]string{"ACTION=connected", "FIRSTCONNECT=", "INTERFACE=wan", "DEVICE=eth0"}},
		{"disconnected", Event{Action: Disconnected, Interface: "wan", Device: "pppoe-wan"},
			[]string{"ACTION=disconnected", "INTERFACE=wan", "DEVICE=pppoe-wan"}},
		{"connecting", Event{Action: Connecting, Interface: "wan", Device: "eth0"},
			[]string{"ACTION=connecting", "INTERFACE=wan", "DEVICE=eth0"}},
		{"disconnecting", Event{Action: Disconnecting, Interface: "wan", Device: "eth0"},
			[]string{"ACTION=disconnecting", "INTERFACE=wan", "DEVICE=eth0"}},
		{"shutdown", Event{Action: Disconnected, Interface: "wan", Shutdown: true},
			[]string{"MWAN3_SHUTDOWN=1", "ACTION=disconnected", "INTERFACE=wan", "DEVICE="}},
		{"a name that is no shell code", Event{Action: Connecting, Interface: "x; touch /tmp/f", Device: "$(id)"},
			[]string{"ACTION=connecting", "INTERFACE=x; touch /tmp/f", "DEVICE=$(id)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := tool(t, 0)
			if err := (Router{HotplugCall: path}).Call(test.event); err != nil {
				t.Fatal(err)
			}
			want := append(append([]string{"iface"}, test.want...), "fd 0", "fd 1", "fd 2")
			if diff := cmp.Diff(want, read(t, path)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheConfiguratorGetsASearchPathToo(t *testing.T) {
	t.Setenv("PATH", "")
	path := tool(t, 0)
	if err := (Router{Configurator: path}).Apply(Event{Action: Disconnected, Interface: "wan", Device: "eth0"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"hotplug", "ACTION=disconnected", "INTERFACE=wan", "DEVICE=eth0",
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "fd 0", "fd 1", "fd 2"}
	if diff := cmp.Diff(want, read(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestScriptsDoNotInheritLocks(t *testing.T) {
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	inherited, err := syscall.Dup(int(lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	if err := syscall.Dup3(inherited, 200, 0); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(200)
	path := tool(t, 0)
	if err := (Router{HotplugCall: path}).Call(Event{Action: Connecting}); err != nil {
		t.Fatal(err)
	}
	want := []string{"iface", "ACTION=connecting", "INTERFACE=", "DEVICE=", "fd 0", "fd 1", "fd 2"}
	if diff := cmp.Diff(want, read(t, path)); diff != "" {
		t.Error(diff)
	}
}

func TestARouterWithoutHotplugCallHasNobodyToTell(t *testing.T) {
	emulation.StartsPrograms(t)
	if err := (Router{HotplugCall: filepath.Join(t.TempDir(), "none")}).Call(Event{Action: Connected}); err != nil {
		t.Error(err)
	}
}

func TestTheExitCodeOfTheLastScriptSaysNothing(t *testing.T) {
	if err := (Router{HotplugCall: tool(t, 3)}).Call(Event{Action: Connected}); err != nil {
		t.Error(err)
	}
}

func TestFailuresNameTheTool(t *testing.T) {
	path := tool(t, 3)
	missing := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		err  error
		want string
	}{
		{(Router{HotplugCall: filepath.Dir(path)}).Call(Event{}), "run " + filepath.Dir(path) + " iface: fork/exec " + filepath.Dir(path) + ": permission denied"},
		{(Router{Configurator: path}).Apply(Event{}), "run " + path + " hotplug: exit status 3"},
		{(Router{Configurator: missing}).Apply(Event{}), "run " + missing + " hotplug: fork/exec " + missing + ": no such file or directory"},
	} {
		if test.err == nil || test.err.Error() != test.want {
			t.Errorf("got %v, want %s", test.err, test.want)
		}
	}
}

func TestTheConfiguratorIsBesideTheProgram(t *testing.T) {
	got, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	want := Router{HotplugCall: "/sbin/hotplug-call", Configurator: filepath.Join(filepath.Dir(self), "mwan3")}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
