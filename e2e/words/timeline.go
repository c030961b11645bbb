package words

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"e2e/inotify"
	"e2e/lab"
)

func (s *stage) timeline(_ *testscript.TestScript, args []string) error {
	switch {
	case len(args) == 4 && args[0] == "watch":
		return s.watch(args[1], args[2], args[3])
	case len(args) == 1 && args[0] == "end":
		return s.watched()
	}
	return usage("timeline watch ispN TARGET IFACE, timeline end")
}

func (s *stage) watch(provider, target, iface string) error {
	to, err := netip.ParseAddrPort(target)
	if err != nil {
		return err
	}
	if s.marking, err = watchMarking(iface); err != nil {
		return err
	}
	return s.world.Watch(provider, to)
}

func (s *stage) watched() error {
	if s.marking == nil {
		return errors.New("nothing is being watched")
	}
	iface, marked := s.marking.close()
	s.marking = nil
	status, err := os.Stat("/var/run/mwan3track/" + iface + "/STATUS")
	if err != nil {
		return err
	}
	if marked.IsZero() {
		return fmt.Errorf("mwan3 has not marked anew since %s is offline", iface)
	}
	return s.world.Watched(
		lab.Event{Age: time.Since(status.ModTime()), Text: "verdict: " + iface + " is offline"},
		lab.Event{Age: time.Since(marked), Text: "marking changed"},
	)
}

// marking sees when mwan3 has marked anew because an interface is offline, whatever the backend: when it first comes to an end of
// its work, and removes a file, with that interface offline for its policies.
type marking struct {
	iface string
	files *inotify.Watch

	mu sync.Mutex
	at time.Time // zero while it has not
}

// watchMarking begins to look.
func watchMarking(iface string) (*marking, error) {
	files, err := inotify.New(unix.IN_DELETE, "/var/run/mwan3")
	if err != nil {
		return nil, err
	}
	m := &marking{iface: iface, files: files}
	go files.Read(func(_, name string) {
		if name == "changing" {
			m.note(time.Now())
		}
	})
	return m, nil
}

func (m *marking) note(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at.IsZero() && readWord("/var/run/mwan3/iface_state/"+m.iface, "") == "offline" {
		m.at = at
	}
}

// close ends the looking and tells of which interface it was, and when it was marked anew.
func (m *marking) close() (iface string, at time.Time) {
	_ = m.files.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.iface, m.at
}
