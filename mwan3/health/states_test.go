package health

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testStore(t *testing.T) Store {
	t.Helper()
	return Store{Dir: filepath.Join(t.TempDir(), "mwan3"), TrackDir: filepath.Join(t.TempDir(), "mwan3track")}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tree returns every file below a directory with its text.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNothingWrittenMeansNoStates(t *testing.T) {
	store := testStore(t)
	if diff := cmp.Diff(States{}, store.States()); diff != "" {
		t.Error(diff)
	}
	if got := store.State("wan"); got != Down {
		t.Errorf("state of an unknown interface is %d", got)
	}
}

func TestStatesComeBackAsTheyWereWritten(t *testing.T) {
	store := testStore(t)
	want := States{"wan": Online, "wanb": Offline, "wanc": Down}
	if err := store.SetStates(want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, store.States()); diff != "" {
		t.Error(diff)
	}
	files := map[string]string{
		"iface_state/wan": "online\n", "iface_state/wanb": "offline\n", "iface_state/wanc": "offline\n", "iface_down/wanc": "",
	}
	if diff := cmp.Diff(files, tree(t, store.Dir)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryStateCanFollowEveryOther(t *testing.T) {
	store := testStore(t)
	for _, before := range []State{Down, Offline, Online} {
		for _, after := range []State{Down, Offline, Online} {
			if err := store.SetState("wan", before); err != nil {
				t.Fatal(err)
			}
			if err := store.SetState("wan", after); err != nil {
				t.Fatal(err)
			}
			if got := store.State("wan"); got != after {
				t.Errorf("after %d and %d the state is %d", before, after, got)
			}
		}
	}
}

func TestOnlyAnIfdownTakesAnInterfaceDown(t *testing.T) {
	store := testStore(t)
	if store.TakenDown("wan") {
		t.Error("an interface that never was up was taken down")
	}
	for _, state := range []State{Down, Offline, Down, Online} {
		if err := store.SetState("wan", state); err != nil {
			t.Fatal(err)
		}
		if got := store.TakenDown("wan"); got != (state == Down) {
			t.Errorf("in state %d it is %t", state, got)
		}
	}
}

func TestForgottenInterfacesHaveNoState(t *testing.T) {
	store := testStore(t)
	for _, state := range []State{Down, Offline, Online} {
		if err := store.SetState("wan", state); err != nil {
			t.Fatal(err)
		}
		if err := store.Forget("wan"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(States{}, store.States()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestStatesOfOthersAreReadLeniently(t *testing.T) {
	for text, want := range map[string]State{
		"online\n": Online, "online": Online, " online \nmore": Online,
		"offline\n": Offline, "": Offline, "\n": Offline, "onli": Offline, "\x00\xff": Offline, "ONLINE\n": Offline,
	} {
		store := testStore(t)
		put(t, store.Dir+"/iface_state/wan", text)
		put(t, store.Dir+"/iface_state/.wanb", "online\n")
		if diff := cmp.Diff(States{"wan": want}, store.States()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestADirectoryInPlaceOfAStateIsNoError(t *testing.T) {
	store := testStore(t)
	put(t, store.Dir+"/iface_state/wan/file", "online\n")
	if diff := cmp.Diff(States{"wan": Offline}, store.States()); diff != "" {
		t.Error(diff)
	}
}

func TestAMarkWithoutAStateIsDown(t *testing.T) {
	store := testStore(t)
	put(t, store.Dir+"/iface_down/wan", "")
	if diff := cmp.Diff(States{"wan": Down}, store.States()); diff != "" {
		t.Error(diff)
	}
}

func TestNamesCannotLeaveTheirDirectory(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../wan", "a/b", "/etc/passwd", ".hidden", "a\x00b", "a\nb"} {
		store := testStore(t)
		if err := store.SetState(name, Online); err == nil {
			t.Errorf("state of %q was written", name)
		}
		if err := store.Forget(name); err == nil {
			t.Errorf("state of %q was forgotten", name)
		}
		if _, err := store.OpenTracker(name); err == nil {
			t.Errorf("tracker of %q was opened", name)
		}
		if got := store.State(name); got != Down {
			t.Errorf("state of %q is %d", name, got)
		}
		want := Record{Status: StatusUnknown}
		if diff := cmp.Diff(want, store.Record(name, nil)); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}
