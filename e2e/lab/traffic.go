package lab

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Connection is one to be tried.
type Connection struct {
	From     string // the machine that makes it
	Proto    string // tcp or udp
	To       netip.AddrPort
	Patience time.Duration
}

// Ask makes a new connection from a machine of the world, as [Node.Ask].
func (w *World) Ask(c Connection) (string, error) {
	node, err := w.Node(c.From)
	if err != nil {
		return "", err
	}
	return node.Ask(c.Proto, c.To, c.Patience)
}

// StartFlow begins a long transfer from a machine of the world, under a name, and returns the provider's name.
func (w *World) StartFlow(name string, c Connection) (string, error) {
	node, err := w.Node(c.From)
	if err != nil {
		return "", err
	}
	return w.flows.start(name, node, c)
}

// Progress tells how far a flow of that name has come.
func (w *World) Progress(name string) (Progress, error) { return w.flows.progress(name) }

// Ask makes a new connection from the router.
func (s *Site) Ask(c Connection) (string, error) { return s.Router.Ask(c.Proto, c.To, c.Patience) }

// StartFlow begins a long transfer from the router, under a name, and returns the provider's name.
func (s *Site) StartFlow(name string, c Connection) (string, error) {
	return s.flows.start(name, s.Router, c)
}

// Progress tells how far a flow of that name has come.
func (s *Site) Progress(name string) (Progress, error) { return s.flows.progress(name) }

// flows are running transfers by their names.
type flows struct {
	mu   sync.Mutex
	runs map[string]*Flow
}

// start begins one. An older one of that name is stopped.
func (f *flows) start(name string, node *Node, c Connection) (string, error) {
	begin := node.StartFlow
	if c.Proto == "udp" {
		begin = node.StartDatagrams
	}
	flow, err := begin(c.To, c.Patience)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.runs[name]; old != nil {
		old.Stop()
	}
	if f.runs == nil {
		f.runs = map[string]*Flow{}
	}
	f.runs[name] = flow
	return flow.Via, nil
}

func (f *flows) progress(name string) (Progress, error) {
	f.mu.Lock()
	flow := f.runs[name]
	f.mu.Unlock()
	if flow == nil {
		return Progress{}, fmt.Errorf("flow %s was not started", name)
	}
	return flow.Progress(), nil
}
