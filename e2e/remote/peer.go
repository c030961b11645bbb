// Package remote is what a router and the world around it say to each other when they do not share a kernel: the router
// is a booted machine, the world lies in namespaces of its host, and between them is one channel of bytes.
//
//	the router          asks the world: connections, flows, faults, programs on other machines (World)
//	the world's side    asks the router: the names of its cards, scripts, reboots (Guest)
//
// Each message is a line of JSON. Questions have numbers, so that several can be under way in both directions. Clocks are
// not compared: times travel as ages.
package remote

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"e2e/lab"
)

// message is a question (with a method), an answer (without), or a statement, which has the number 0 and gets no answer.
type message struct {
	ID     uint64          `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Fault  string          `json:"fault,omitempty"` // in an answer; there may be a body nevertheless
}

// method answers one kind of question, which read reads.
type method func(read func(into any) error) (any, error)

// peer is one end of a channel.
type peer struct {
	conn    io.ReadWriteCloser
	methods map[string]method
	writing sync.Mutex

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan message // nil when the channel has ended
}

func newPeer(conn io.ReadWriteCloser, methods map[string]method) *peer {
	return &peer{conn: conn, methods: methods, waiting: map[uint64]chan message{}}
}

// errEnded says that nobody will answer any more.
var errEnded = errors.New("the channel has ended")

// run hears the other end until the channel ends. Statements are heard one after the other, questions at once. A line
// that is no message is what an earlier life of the other end had begun to say.
func (p *peer) run() error {
	defer p.end()
	in := bufio.NewReader(p.conn)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return err
		}
		var m message
		switch {
		case json.Unmarshal(line, &m) != nil:
		case m.Method == "":
			p.answered(m)
		case m.ID == 0:
			p.handle(m)
		default:
			go p.handle(m)
		}
	}
}

// end tells everybody who waits.
func (p *peer) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, answer := range p.waiting {
		close(answer)
	}
	p.waiting = nil
}

func (p *peer) answered(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer := p.waiting[m.ID]; answer != nil {
		answer <- m
		delete(p.waiting, m.ID)
	}
}

func (p *peer) handle(m message) {
	answer, err := any(nil), fmt.Errorf("nobody answers %q here", m.Method)
	if do := p.methods[m.Method]; do != nil {
		answer, err = do(func(into any) error { return json.Unmarshal(m.Body, into) })
	}
	if m.ID == 0 {
		return
	}
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	_ = p.send(message{ID: m.ID, Fault: fault}, answer) // if it does not arrive, the other end sees the channel's end
}

func (p *peer) send(m message, body any) error {
	var err error
	if m.Body, err = json.Marshal(body); err != nil {
		return err
	}
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	_, err = p.conn.Write(append(line, '\n'))
	return err
}

// tell makes a statement.
func (p *peer) tell(method string, body any) error { return p.send(message{Method: method}, body) }

// ask asks and waits for the answer, which is read into answer even if there is a fault.
func (p *peer) ask(ctx context.Context, method string, body, answer any) error {
	id, reply, err := p.queue()
	if err != nil {
		return err
	}
	defer p.forget(id)
	if err := p.send(message{ID: id, Method: method}, body); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("no answer to %s: %w", method, context.Cause(ctx))
	case m, ok := <-reply:
		if !ok {
			return errEnded
		}
		return m.read(answer)
	}
}

// queue waits for the answer to a new question.
func (p *peer) queue() (uint64, chan message, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		return 0, nil, errEnded
	}
	p.last++
	reply := make(chan message, 1)
	p.waiting[p.last] = reply
	return p.last, reply, nil
}

func (p *peer) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// read returns an answer's fault.
func (m message) read(answer any) error {
	var err error
	if answer != nil {
		err = json.Unmarshal(m.Body, answer)
	}
	if m.Fault != "" {
		return lab.ErrorOf(m.Fault)
	}
	return err
}
