package remote

import (
	"context"
	"net/netip"

	"e2e/lab"
)

// World is the world of another process, for the router: the counterpart of lab.World.
type World struct{ peer *peer }

// flowStart is what StartFlow asks for.
type flowStart struct {
	Name       string
	Connection lab.Connection
}

// watched is what Watch watches.
type watched struct {
	Provider string
	To       netip.AddrPort
}

// Ask makes a new connection from a machine of the world.
func (w World) Ask(c lab.Connection) (answer string, err error) {
	err = w.peer.ask(context.Background(), "ask", c, &answer)
	return answer, err
}

// StartFlow begins a long transfer from a machine of the world, under a name, and returns the provider's name.
func (w World) StartFlow(name string, c lab.Connection) (via string, err error) {
	err = w.peer.ask(context.Background(), "flow", flowStart{name, c}, &via)
	return via, err
}

// Progress tells how far a flow of that name has come.
func (w World) Progress(flow string) (p lab.Progress, err error) {
	err = w.peer.ask(context.Background(), "progress", flow, &p)
	return p, err
}

// Order does to the world what the words of a script say.
func (w World) Order(words ...string) error {
	return w.peer.ask(context.Background(), "order", words, nil)
}

// Watch begins to watch a provider that is going to fail, and new connections to a target.
func (w World) Watch(provider string, to netip.AddrPort) error {
	return w.peer.ask(context.Background(), "watch", watched{provider, to}, nil)
}

// Watched ends the watching and hands over what was seen, with events of this router.
func (w World) Watched(events ...lab.Event) error {
	return w.peer.ask(context.Background(), "watched", events, nil)
}

// Run runs a program on a machine of the world.
func (w World) Run(c lab.Command) (out lab.Output, err error) {
	err = w.peer.ask(context.Background(), "run", c, &out)
	return out, err
}

// answers are those of a world that was drawn in this process.
func answers(w *lab.World) map[string]method {
	return map[string]method{
		"ask": func(read func(any) error) (any, error) {
			var c lab.Connection
			if err := read(&c); err != nil {
				return nil, err
			}
			return w.Ask(c)
		},
		"flow": func(read func(any) error) (any, error) {
			var f flowStart
			if err := read(&f); err != nil {
				return nil, err
			}
			return w.StartFlow(f.Name, f.Connection)
		},
		"progress": func(read func(any) error) (any, error) {
			var flow string
			if err := read(&flow); err != nil {
				return nil, err
			}
			return w.Progress(flow)
		},
		"order": func(read func(any) error) (any, error) {
			var words []string
			if err := read(&words); err != nil {
				return nil, err
			}
			return nil, w.Order(words...)
		},
		"watch": func(read func(any) error) (any, error) {
			var what watched
			if err := read(&what); err != nil {
				return nil, err
			}
			return nil, w.Watch(what.Provider, what.To)
		},
		"watched": func(read func(any) error) (any, error) {
			var events []lab.Event
			if err := read(&events); err != nil {
				return nil, err
			}
			return nil, w.Watched(events...)
		},
		"run": func(read func(any) error) (any, error) {
			var c lab.Command
			if err := read(&c); err != nil {
				return nil, err
			}
			return w.Run(c)
		},
	}
}
