package uci

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// write makes a file below a new directory of the test and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadReadsTheLayersInOrderAndKnowsEachLine(t *testing.T) {
	t.Parallel()
	file := write(t, "mwan3", "config interface wan\n\toption a 1\n\tlist b '1\n2'\n\tlist b 3\n\noops\n")
	first := write(t, "mwan3", "mwan3.wan.a='2'\n|mwan3.wan.b='4'\noops\n")
	second := write(t, "mwan3", "mwan3.wan.a='3'\n+mwan3.cfg0292bd='rule'\n")
	none := filepath.Join(t.TempDir(), "mwan3")

	got, faults, err := Load(Layers{Files: []string{none, file}, Deltas: []string{first, none, second}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Section{{
		Type: "interface", Name: "wan", Pos: Pos{file, 1},
		Options: []Option{
			{Name: "a", Values: []Value{{"3", Pos{second, 1}}}},
			{Name: "b", List: true, Values: []Value{{"1\n2", Pos{file, 3}}, {"3", Pos{file, 5}}, {"4", Pos{first, 2}}}},
		},
	}, {Type: "rule", Name: "cfg0292bd", Anonymous: true, Pos: Pos{second, 2}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections: -want +got\n%s", diff)
	}
	wantFaults := []Fault{
		{Pos{file, 7}, `unknown command "oops": config, option or list must stand here; the line is skipped`},
		{Pos{first, 3}, `change of "oops": a section of mwan3 or an option of one must be named; the line is skipped`},
	}
	if diff := cmp.Diff(wantFaults, faults); diff != "" {
		t.Errorf("faults: -want +got\n%s", diff)
	}
}

func TestDefaultLayers(t *testing.T) {
	t.Parallel()
	want := Layers{
		Files:  []string{"/var/run/uci/mwan3", "/etc/config/mwan3"},
		Deltas: []string{"/tmp/.uci/mwan3", "/var/state/mwan3"},
	}
	if diff := cmp.Diff(want, Default("mwan3")); diff != "" {
		t.Error(diff)
	}
}

func TestAccessors(t *testing.T) {
	t.Parallel()
	o := Option{Name: "a", List: true, Values: []Value{{"1", Pos{"f", 1}}, {"2", Pos{"f", 2}}}}
	s := Section{Options: []Option{o}}
	got, ok := s.Option("a")
	if diff := cmp.Diff(o, got); diff != "" || !ok {
		t.Error(diff, ok)
	}
	if _, ok := s.Option("b"); ok {
		t.Error("option b is there")
	}
	if o.Pos().String() != "f:2" || (Pos{File: "f"}).String() != "f" {
		t.Errorf("%s, %s", o.Pos(), Pos{File: "f"})
	}
}

func TestLoadFailsOnlyWithoutAFileToRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, _, err := Load(Layers{Files: []string{dir + "/mwan3"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, _, err := Load(Layers{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	tests := map[string]string{
		dir:                              dir + ": not a regular file",
		write(t, "big", big(maxSize+1)):  "larger than 1048576 bytes",
		write(t, "many", many("c a\n")):  "more than 4096 sections",
		write(t, "file", "c a\n") + "/x": "not a directory",
	}
	for file, want := range tests {
		_, _, err := Load(Layers{Files: []string{file}})
		if err == nil || !strings.HasPrefix(err.Error(), "read configuration: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	file := write(t, "ok", "c a x\n")
	_, faults, err := Load(Layers{Files: []string{file}, Deltas: []string{dir}})
	want := []Fault{{Pos{File: dir}, "changes are not read: " + dir + ": not a regular file"}}
	if diff := cmp.Diff(want, faults); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func big(size int) string { return strings.Repeat("#", size) }

func many(line string) string { return strings.Repeat(line, maxSections+1) }

func TestGarbageIsBounded(t *testing.T) {
	t.Parallel()
	_, faults, err := Load(Layers{Files: []string{write(t, "mwan3", strings.Repeat("x\n", maxSize/2))}})
	if err != nil || len(faults) != maxFaults+1 {
		t.Errorf("%d faults, %v", len(faults), err)
	}
	if last := faults[maxFaults]; last.Text != "more faults from here on" {
		t.Error(last)
	}
	var options strings.Builder
	options.WriteString("c a x\n")
	for i := range maxOptions + 1 {
		fmt.Fprintf(&options, "o o%d 1\n", i)
	}
	_, faults, err = Load(Layers{Files: []string{write(t, "mwan3", options.String())}})
	if err != nil || len(faults) != 1 || faults[0].Text != "a section has at most 256 options: the line is skipped" {
		t.Errorf("%v, %v", faults, err)
	}
	delta := write(t, "mwan3", "mwan3.more='a'\n")
	file := write(t, "mwan3", strings.Repeat("c a\n", maxSections))
	_, faults, err = Load(Layers{Files: []string{file}, Deltas: []string{delta}})
	if err != nil || len(faults) != 1 || faults[0].Text != "there are at most 4096 sections: the line is skipped" {
		t.Errorf("%v, %v", faults, err)
	}
}

func TestLoadWaitsForAWriter(t *testing.T) {
	t.Parallel()
	file := write(t, "mwan3", "config a half")
	writer, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := syscall.Flock(int(writer.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		sections, _, err := Load(Layers{Files: []string{file}})
		got <- fmt.Sprint(printSections(sections), err)
	}()
	waitForBlockedLock(t, writer)
	if _, err := writer.WriteAt([]byte("config a whole"), 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(writer.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "\nconfig 'a' 'whole'\n<nil>" {
		t.Error(text)
	}
}

// waitForBlockedLock waits until somebody waits for a lock on the file.
func waitForBlockedLock(t *testing.T, f *os.File) {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		locks, err := os.Open("/proc/locks")
		if err != nil {
			t.Fatal(err)
		}
		blocked := hasLine(locks, "->", inode)
		locks.Close()
		if blocked {
			return
		}
	}
	t.Fatal("nobody waits for the lock")
}

func hasLine(r io.Reader, words ...string) bool {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		found := true
		for _, word := range words {
			found = found && strings.Contains(lines.Text(), word)
		}
		if found {
			return true
		}
	}
	return false
}
