// Package qmp speaks QEMU's machine protocol: commands with answers, and events. Source: QEMU's docs/interop/qmp-spec.
package qmp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Event is something that happened to the machine by itself.
type Event struct {
	Name string          `json:"event"`
	Data json.RawMessage `json:"data"`
}

// Client talks to one QEMU. Its methods may be called from several goroutines.
type Client struct {
	conn   io.ReadWriteCloser
	events chan Event
	reply  chan message
	turn   sync.Mutex // one command at a time
}

// message is anything that QEMU says.
type message struct {
	Event
	Greeting json.RawMessage `json:"QMP"`
	Return   json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

// ErrClosed says that QEMU has ended or hung up.
var ErrClosed = errors.New("QEMU does not answer any more")

// New shakes hands and returns a client, which owns the connection from then on.
func New(conn io.ReadWriteCloser) (*Client, error) {
	lines := bufio.NewReader(conn)
	var greeting message
	if err := read(lines, &greeting); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if greeting.Greeting == nil {
		return nil, errors.New("this is not QEMU's machine protocol")
	}
	c := &Client{conn: conn, events: make(chan Event, 64), reply: make(chan message)}
	go c.listen(lines)
	return c, c.Do("qmp_capabilities", nil, nil)
}

// Events returns the events, until the connection ends. Those that nobody takes are dropped from the 65th on.
func (c *Client) Events() <-chan Event { return c.events }

// Do runs a command. Arguments and result are what encoding/json makes of them; nil for none.
func (c *Client) Do(command string, arguments, result any) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("%s: %w", command, errors.Join(ErrClosed, err))
	}
	answer, ok := <-c.reply
	switch {
	case !ok:
		return fmt.Errorf("%s: %w", command, ErrClosed)
	case answer.Error != nil:
		return fmt.Errorf("%s: %s: %s", command, answer.Error.Class, answer.Error.Desc)
	case result != nil:
		return json.Unmarshal(answer.Return, result)
	}
	return nil
}

// Close hangs up; QEMU goes on.
func (c *Client) Close() error { return c.conn.Close() }

// listen sorts what QEMU says until it hangs up.
func (c *Client) listen(lines *bufio.Reader) {
	defer close(c.events)
	defer close(c.reply)
	for {
		var m message
		if read(lines, &m) != nil {
			return
		}
		if m.Name == "" {
			c.reply <- m
			continue
		}
		select {
		case c.events <- m.Event:
		default:
		}
	}
}

func read(lines *bufio.Reader, into *message) error {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}
