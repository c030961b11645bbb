package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// trackDir is where the trackers say what they do.
const trackDir = "/var/run/mwan3track/"

// awaitTrackers waits until each tracker that runs does what the state says, and until nobody acts on its behalf. With all,
// each interface that is up must have one.
func (b *bench) awaitTrackers(what string, all bool) {
	b.t.Helper()
	err := eventually(func() error {
		for _, iface := range b.lab.Netifd.Interfaces {
			if err := b.tracks(iface.Name, all); err != nil {
				return err
			}
		}
		if running := processes("mwan3"); len(running) > 0 {
			return fmt.Errorf("mwan3 still runs: %v", running)
		}
		return nil
	})
	if err != nil {
		b.failed("%s: %s: %v", what, b.at, err)
	}
}

// tracks says what is wrong with an interface's tracker. One that tracks has done a round since it was started.
func (b *bench) tracks(iface string, must bool) error {
	down := b.at.down == iface || b.at.config == "B" && strings.HasPrefix(iface, "wanc")
	pid := tracked(iface, "PID")
	name, err := os.ReadFile("/proc/" + pid + "/comm")
	started, round := tracked(iface, "STARTED"), tracked(iface, "TIME")
	switch {
	case err != nil || string(name) != "mwan3track\n":
		if must && !down {
			return fmt.Errorf("%s has no tracker", iface)
		}
	case down && started == "1":
		return fmt.Errorf("%s is down, but its tracker goes on", iface)
	case !down && (started != "1" || round == ""):
		return fmt.Errorf("%s is up, but its tracker waits", iface)
	}
	return nil
}

// tracked reads what a tracker says.
func tracked(iface, file string) string {
	text, _ := os.ReadFile(trackDir + iface + "/" + file)
	return strings.TrimSpace(string(text))
}

// processes lists the processes of a program.
func processes(program string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, file := range files {
		if name, _ := os.ReadFile(file); strings.TrimSpace(string(name)) == program {
			found = append(found, file)
		}
	}
	return found
}
