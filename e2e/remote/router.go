package remote

import (
	"context"
	"fmt"
	"io"
)

// Router is the router at this end of a channel: what it does when the other end asks.
type Router struct {
	Cards  func(names map[string]string) error // gives network cards their names
	Script func(job Job, w World, log io.Writer) Result
}

// Obey does what the other end asks until it says that the machine should end, and whether to start again; or until the
// channel ends, which is an error.
func (r Router) Obey(conn io.ReadWriteCloser) (again bool, err error) {
	end := make(chan bool, 1)
	p := newPeer(conn, nil)
	p.methods = r.methods(p, end)
	broken := make(chan error, 1)
	go func() { broken <- p.run() }()
	if _, err := fmt.Fprintln(conn); err != nil { // what an earlier life of this end had begun to say ends here
		return false, err
	}
	if err := p.ask(context.Background(), "ready", nil, nil); err != nil {
		return false, err
	}
	select {
	case again := <-end:
		return again, nil
	case err := <-broken:
		return false, err
	}
}

func (r Router) methods(p *peer, end chan<- bool) map[string]method {
	return map[string]method{
		"cards": func(read func(any) error) (any, error) {
			var names map[string]string
			if err := read(&names); err != nil {
				return nil, err
			}
			return nil, r.Cards(names)
		},
		"script": func(read func(any) error) (any, error) {
			var job Job
			if err := read(&job); err != nil {
				return nil, err
			}
			return r.Script(job, World{p}, logger{p}), nil
		},
		"end": func(read func(any) error) (any, error) {
			var again bool
			err := read(&again)
			end <- again
			return nil, err
		},
	}
}

// logger sends what is written to the other end's log.
type logger struct{ peer *peer }

func (l logger) Write(text []byte) (int, error) { return len(text), l.peer.tell("log", string(text)) }
