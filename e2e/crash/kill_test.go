package crash

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"e2e/lab/labtest"

	"golang.org/x/sys/unix"
)

// strike starts a command and kills it at a moment, with the tools that it has started or without them. It tells
// what the command was doing just before; nothing, if it had ended.
func (b *bench) strike(c command, after time.Duration, alone bool) (hit string) {
	b.t.Helper()
	cmd := c.process()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	labtest.Check(b.t, cmd.Start())
	pid, ended := cmd.Process.Pid, make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
		return ""
	case <-time.After(after):
	}
	hit = "outside of the change"
	if _, err := os.Stat(stateDir + "changing"); err == nil {
		hit = "in the change"
	}
	for _, tool := range toolsOf(pid) {
		hit += ", " + tool + " running"
	}
	target := -pid
	if alone {
		target, hit = pid, hit+" on"
	}
	_ = unix.Kill(target, unix.SIGKILL) // it may have ended just now
	if err := <-ended; err == nil {
		return ""
	}
	return hit
}

// toolsOf names the programs in a process's group, but for itself.
func toolsOf(group int) []string {
	var names []string
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		var pid, parent, leader int
		name, rest, _ := strings.Cut(strings.ReplaceAll(string(text), ") ", "("), "(")
		name, rest, _ = strings.Cut(rest, "(")
		var mode string
		if _, err := fmt.Sscan(rest, &mode, &parent, &leader); err != nil || leader != group {
			continue
		}
		if _, err := fmt.Sscan(string(text), &pid); err == nil && pid != group {
			names = append(names, name)
		}
	}
	return names
}

// figures are what a bench has seen.
type figures struct {
	failures int
	hits     map[string]int // where kills hit

	mu      sync.Mutex
	asked   int
	slowest time.Duration
	wrong   []string // connections that needed more than one attempt
}

func (f *figures) connected(took time.Duration, wrong string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	f.slowest = max(f.slowest, took)
	if wrong != "" {
		f.wrong = append(f.wrong, wrong)
	}
}

func (f *figures) killed(name, hit string) {
	if f.hits == nil {
		f.hits = map[string]int{}
	}
	f.hits["in all"]++
	f.hits[name]++
	f.hits[hit]++
}

// log writes them down.
func (b *bench) log() {
	f := &b.figures
	for _, name := range slices.Sorted(maps.Keys(f.hits)) {
		b.t.Logf("%4d kills %s", f.hits[name], name)
	}
	b.t.Logf("%d connections after kills, the slowest took %s, %d at the second attempt", f.asked, f.slowest.Round(time.Millisecond), len(f.wrong))
	for _, wrong := range f.wrong {
		b.t.Log(wrong)
	}
}
