package words

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"e2e/lab"
)

func (s *stage) timeline(_ *testscript.TestScript, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "watch":
		return s.watch(args[1], args[2])
	case len(args) == 2 && args[0] == "end":
		return s.watched(args[1])
	}
	return usage("timeline watch ispN TARGET, timeline end IFACE")
}

func (s *stage) watch(provider, target string) error {
	to, err := netip.ParseAddrPort(target)
	if err != nil {
		return err
	}
	if s.ends, err = watchEnds(); err != nil {
		return err
	}
	return s.world.Watch(provider, to)
}

func (s *stage) watched(iface string) error {
	if s.ends == nil {
		return errors.New("nothing is being watched")
	}
	status, err := os.Stat("/var/run/mwan3track/" + iface + "/STATUS")
	if err != nil {
		return err
	}
	verdict := status.ModTime()
	marked, ok := s.ends.firstAfter(verdict)
	s.ends = nil
	if !ok {
		return fmt.Errorf("mwan3 has not ended any work since the verdict on %s", iface)
	}
	return s.world.Watched(
		lab.Event{Age: time.Since(verdict), Text: "verdict: " + iface + " is offline"},
		lab.Event{Age: time.Since(marked), Text: "marking changed"},
	)
}

// ends are the times at which mwan3 has come to the end of its work, whatever the backend: it removes a file then.
type ends struct {
	files *os.File // inotify

	mu sync.Mutex
	at []time.Time
}

// watchEnds begins to note them.
func watchEnds() (*ends, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	e := &ends{files: os.NewFile(uintptr(fd), "inotify")}
	if _, err := unix.InotifyAddWatch(fd, "/var/run/mwan3", unix.IN_DELETE); err != nil {
		return nil, errors.Join(fmt.Errorf("watch mwan3's files: %w", err), e.files.Close())
	}
	go e.read()
	return e, nil
}

// read notes ends until the watch is closed. An event is a header of 16 bytes and a padded name (inotify(7)).
func (e *ends) read() {
	const header = unix.SizeofInotifyEvent
	for buffer := make([]byte, 4096); ; {
		n, err := e.files.Read(buffer)
		if err != nil {
			return
		}
		now := time.Now()
		for rest := buffer[:n]; len(rest) >= header; {
			end := header + int(binary.NativeEndian.Uint32(rest[12:]))
			if name, _, _ := bytes.Cut(rest[header:end], []byte{0}); string(name) == "changing" {
				e.note(now)
			}
			rest = rest[end:]
		}
	}
}

func (e *ends) note(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at = append(e.at, at)
}

// firstAfter returns the first end since a moment, and ends the watching.
func (e *ends) firstAfter(moment time.Time) (time.Time, bool) {
	_ = e.files.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, at := range e.at {
		if !at.Before(moment) {
			return at, true
		}
	}
	return time.Time{}, false
}
