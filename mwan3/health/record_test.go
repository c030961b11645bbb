package health

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/emulation"
)

// TestMain makes the test binary sleep when it is started under another name, so that it can stand in for a tracker.
func TestMain(m *testing.M) {
	if os.Getenv("HEALTH_TEST_SLEEP") != "" {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func open(t *testing.T, store Store, iface string) Tracker {
	t.Helper()
	tracker, err := store.OpenTracker(iface)
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestATrackerThatNeverRanIsUnknown(t *testing.T) {
	want := Record{Status: StatusUnknown, Targets: []Target{{Host: "192.0.2.1", Status: TargetUnknown}}}
	if diff := cmp.Diff(want, testStore(t).Record("wan", []string{"192.0.2.1"})); diff != "" {
		t.Error(diff)
	}
}

func TestTheFilesAreThoseOfUpstream(t *testing.T) {
	store := testStore(t)
	tracker := open(t, store, "wan6")
	check(t,
		tracker.SetStatus(StatusOnline), tracker.SetStarted(true), tracker.SetSince(3058, 0),
		tracker.SetTarget("2001:db8::1", TargetUp), tracker.SetQuality("2001:db8::1", Figures{23, 0, 4}),
		tracker.SetTarget("name.example", TargetDown), tracker.SetQuality("name.example", Figures{DeadLatency, DeadLoss, 0}),
		tracker.SetTarget("192.0.2.2", TargetSkipped),
		tracker.SetFigures(Figures{24, 50, 3}), tracker.SetScore(9),
		tracker.SetRound(Round{Lost: 1, Score: 10, Turn: 7}, 3100),
	)
	pid := strconv.Itoa(os.Getpid())
	files := map[string]string{
		"wan6/PID": pid + "\n", "wan6/STATUS": "online\n", "wan6/STARTED": "1\n", "wan6/ONLINE": "3058\n", "wan6/OFFLINE": "0\n",
		"wan6/TRACK_2001:db8::1": "up\n", "wan6/LATENCY_2001:db8::1": "23\n", "wan6/LOSS_2001:db8::1": "0\n",
		"wan6/JITTER_2001:db8::1": "4\n", "wan6/JITTER_name.example": "0\n",
		"wan6/LATENCY": "24\n", "wan6/LOSS": "50\n", "wan6/JITTER": "3\n",
		"wan6/TRACK_name.example": "down\n", "wan6/LATENCY_name.example": "999999\n", "wan6/LOSS_name.example": "100\n",
		"wan6/TRACK_192.0.2.2": "skipped\n",
		"wan6/LOST":            "1\n", "wan6/SCORE": "10\n", "wan6/TURN": "7\n", "wan6/TIME": "3100\n",
	}
	if diff := cmp.Diff(files, tree(t, store.TrackDir)); diff != "" {
		t.Error(diff)
	}
	want := Record{Status: StatusOnline, Started: true, PID: os.Getpid(), Online: 3058, Time: 3100, Lost: 1, Score: 10, Turn: 7,
		Figures: Figures{24, 50, 3},
		Targets: []Target{
			{Host: "name.example", Status: TargetDown, Figures: Figures{DeadLatency, DeadLoss, 0}},
			{Host: "2001:db8::1", Status: TargetUp, Figures: Figures{23, 0, 4}},
			{Host: "198.51.100.1", Status: TargetUnknown},
		}}
	got := store.Record("wan6", []string{"name.example", "2001:db8::1", "198.51.100.1"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATrackerGoesByWhatItSaysItDoes(t *testing.T) {
	const answer = "id 1\ntarget \"192.0.2.1\"\n"
	store, own := testStore(t), os.Getpid()
	goesBy := func(want bool) {
		t.Helper()
		if got := store.GoesBy("wan", own, answer); got != want {
			t.Errorf("goes by the answer: %v", got)
		}
	}
	goesBy(false)
	tracker := open(t, store, "wan")
	goesBy(false)
	check(t, tracker.SetSettings(answer))
	goesBy(true)
	if store.GoesBy("wan", own+1, answer) || store.GoesBy("wan", own, answer+"up 1\n") ||
		store.GoesBy("wan", own, answer[:7]) || store.GoesBy("../wan", own, answer) {
		t.Error("another tracker or another answer is taken for this one")
	}
	check(t, tracker.ForgetSettings())
	goesBy(false)
	check(t, tracker.SetSettings(answer))
	goesBy(true)
	open(t, store, "wan") // as its successor does
	goesBy(false)
}

func TestBrokenFilesReadAsZeroOrUnknown(t *testing.T) {
	for _, text := range []string{"", "\n", "x", "1x\n", "-4\n", "99999999999\n", "0x10\n", "1.5\n", "\x00\x00", strings.Repeat("1", 4096)} {
		store := testStore(t)
		for _, name := range []string{"PID", "ONLINE", "OFFLINE", "TIME", "LOST", "SCORE", "TURN", "STARTED", "LATENCY_h", "LOSS_h", "JITTER_h", "LATENCY", "LOSS", "JITTER"} {
			put(t, store.TrackDir+"/wan/"+name, text)
		}
		put(t, store.TrackDir+"/wan/STATUS", "\n")
		want := Record{Status: StatusUnknown, Targets: []Target{{Host: "h", Status: TargetUnknown}}}
		if diff := cmp.Diff(want, store.Record("wan", []string{"h"})); diff != "" {
			t.Errorf("%.20q: %s", text, diff)
		}
	}
}

func TestATargetWithASlashIsUnknownAndNeverWritten(t *testing.T) {
	store := testStore(t)
	tracker := open(t, store, "wan")
	if tracker.SetTarget("../../x", TargetUp) == nil || tracker.SetQuality("../../x", Figures{}) == nil {
		t.Error("a target with a slash was written")
	}
	want := []Target{{Host: "../../x", Status: TargetUnknown}}
	if diff := cmp.Diff(want, store.Record("wan", []string{"../../x"}).Targets); diff != "" {
		t.Error(diff)
	}
}

func TestANewTrackerKeepsOnlyTheStatusOfAnEarlierOne(t *testing.T) {
	store := testStore(t)
	for _, name := range []string{"TRACK_192.0.2.1", "LATENCY_192.0.2.1", "LOSS_192.0.2.1", "JITTER_192.0.2.1", "LATENCY", "SCORE", "ONLINE", "TRACK_OUTPUT", ".TIME"} {
		put(t, store.TrackDir+"/wan/"+name, "1\n")
	}
	put(t, store.TrackDir+"/wan/STATUS", "offline\n")
	put(t, store.TrackDir+"/wanb/SCORE", "10\n")
	open(t, store, "wan")
	want := map[string]string{"wan/PID": strconv.Itoa(os.Getpid()) + "\n", "wan/STATUS": "offline\n", "wanb/SCORE": "10\n"}
	if diff := cmp.Diff(want, tree(t, store.TrackDir)); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyNewValuesAreWritten(t *testing.T) {
	store := testStore(t)
	tracker := open(t, store, "wan")
	check(t, tracker.SetStatus(StatusOnline), os.Remove(store.TrackDir+"/wan/STATUS"), tracker.SetStatus(StatusOnline))
	if got := store.Record("wan", nil).Status; got != StatusUnknown {
		t.Errorf("the same value was written again: %s", got)
	}
	check(t, tracker.SetStatus(StatusOffline), tracker.SetStatus(StatusOnline))
	if got := store.Record("wan", nil).Status; got != StatusOnline {
		t.Errorf("a new value was not written: %s", got)
	}
	check(t, os.Remove(store.TrackDir+"/wan/STATUS"), tracker.Clean(), tracker.SetStatus(StatusOnline))
	if got := store.Record("wan", nil).Status; got != StatusOnline {
		t.Errorf("after cleaning, the first value was not written: %s", got)
	}
}

func TestATrackerDoesNotBringItsDirectoryBack(t *testing.T) {
	store := testStore(t)
	tracker := open(t, store, "wan")
	check(t, os.RemoveAll(store.TrackDir))
	if tracker.SetStatus(StatusOnline) == nil || tracker.SetRound(Round{}, 1) == nil {
		t.Error("writing into a removed directory did not fail")
	}
	if _, err := os.Stat(store.TrackDir); err == nil {
		t.Error("the directory is back")
	}
}

// startAs runs this test binary under another command line until the test ends.
func startAs(t *testing.T, args ...string) int {
	t.Helper()
	emulation.StartsPrograms(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = args
	cmd.Env = append(os.Environ(), "HEALTH_TEST_SLEEP=1")
	stdin, err := cmd.StdinPipe()
	check(t, err, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	return cmd.Process.Pid
}

func TestOnlyARunningTrackerOfTheInterfaceCounts(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want bool
	}{
		{"ours", []string{"/usr/sbin/mwan3track", "wan"}, true},
		{"upstream's", []string{"/bin/sh", "/usr/sbin/mwan3track", "wan"}, true},
		{"of another interface", []string{"mwan3track", "wanb"}, false},
		{"another program", []string{"sleep", "wan"}, false},
		{"without an interface", []string{"mwan3track"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := testStore(t)
			pid := startAs(t, test.args...)
			put(t, store.TrackDir+"/wan/PID", strconv.Itoa(pid)+"\n")
			if got, ok := store.TrackerPID("wan"); ok != test.want || ok && got != pid {
				t.Errorf("got %d, %t", got, ok)
			}
		})
	}
	store := testStore(t)
	for _, text := range []string{"", "x", "0", "-1", "4194305", "2147483647"} {
		put(t, store.TrackDir+"/wan/PID", text)
		if pid, ok := store.TrackerPID("wan"); ok {
			t.Errorf("%q is the tracker %d", text, pid)
		}
	}
}

func TestAQuietRoundLeavesNoGarbage(t *testing.T) {
	tracker, err := Store{Dir: t.TempDir(), TrackDir: t.TempDir()}.OpenTracker("wan")
	if err != nil {
		t.Fatal(err)
	}
	turn := 0
	round := func() {
		turn++
		if err := tracker.SetRound(Round{Score: 10, Turn: turn}, 1000+turn); err != nil {
			t.Fatal(err)
		}
	}
	round()
	if allocs := testing.AllocsPerRun(100, round); allocs > 0 {
		t.Errorf("%g allocations", allocs)
	}
}
