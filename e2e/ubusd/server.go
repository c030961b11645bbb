// Package ubusd is a stand-in for four daemons of OpenWrt, for tests: ubusd, which passes messages between its
// clients, the two that mwan3 talks to through it, netifd (objects network.interface and network.interface.*) and
// procd (object service), and rpcd, as far as it runs plugins. They speak the true protocol, so that the programs under test, and OpenWrt's ubus command,
// need not know. Access rules are not part of it: everybody may do everything.
package ubusd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"mwan3/ubus"
)

// Server is ubusd with netifd and procd. Its methods may be called from any goroutine.
type Server struct {
	mu       sync.Mutex // guards everything below, and the state of all three daemons
	path     string
	bus      *bus
	netifd   netifd
	procd    procd
	rpcd     rpcd
	plugins  []*plugin // of rpcd
	command  func(argv []string) *exec.Cmd
	listener *net.UnixListener
	muted    map[string]bool

	closed  chan struct{}
	running sync.WaitGroup // goroutines and processes
}

// Start listens on the socket at path, whose directory it makes if needed. A socket that was left there is replaced.
func Start(path string) (*Server, error) {
	s := &Server{path: path, closed: make(chan struct{}), muted: map[string]bool{}}
	s.command = func(argv []string) *exec.Cmd { return exec.Command(argv[0], argv[1:]...) }
	s.netifd.init(s)
	s.procd.init(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of ubus: %w", err)
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// open starts ubusd; netifd and procd connect and publish their objects anew.
func (s *Server) open() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the socket of ubus: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: s.path})
	if err != nil {
		return fmt.Errorf("start ubusd: %w", err)
	}
	s.listener = listener
	s.bus = newBus()
	s.netifd.publish()
	s.procd.publish()
	for _, p := range s.plugins {
		s.publishPlugin(p)
	}
	if s.rpcd.sessions != nil {
		s.publishRpcd()
	}
	s.running.Add(1)
	go s.accept(listener, s.bus)
	return nil
}

func (s *Server) accept(listener *net.UnixListener, b *bus) {
	defer s.running.Done()
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			return
		}
		s.serve(conn, b)
	}
}

// shut ends ubusd: nobody can connect any more and every client loses its connection.
func (s *Server) shut() {
	s.listener.Close()
	for c := range s.bus.conns {
		c.close()
	}
	s.bus.conns = map[*conn]bool{}
}

// Restart does what a restart of ubusd does: all connections end, all objects get new ids. netifd keeps its
// interfaces and procd its processes.
func (s *Server) Restart() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut()
	return s.open()
}

// Close ends everything: the socket, the connections, and the processes of all services, which are killed.
func (s *Server) Close() {
	s.mu.Lock()
	close(s.closed)
	s.shut()
	s.procd.killAll()
	s.mu.Unlock()
	s.running.Wait()
}

// SetCommand sets what makes the command of a service's process; the default is exec.Command. With it a test chooses
// where output goes or in which namespace the process runs.
func (s *Server) SetCommand(command func(argv []string) *exec.Cmd) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.command = command
}

// Mute makes an object of netifd or procd hang: it takes questions and never answers. false ends that.
func (s *Server) Mute(path string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muted[path] = on
}

// Event sends an event to everybody who listens for its name.
func (s *Server) Event(name string, data ubus.Table) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bus.event(nil, name, data)
}

// after runs do, which may use the state of the server, when the time is over, unless the server is closed before.
func (s *Server) after(d time.Duration, do func()) {
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-s.closed:
			return
		case <-timer.C:
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.isClosed() {
			do()
		}
	}()
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
