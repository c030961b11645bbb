package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// beat is the pause between two messages of a flow.
const beat = 5 * time.Millisecond

// pause is the time without a message after which a flow that goes on counts as resumed.
const pause = 300 * time.Millisecond

// Flow is a long transfer: a TCP connection to an answer service on which messages go there and back all the time, or
// datagrams from one port.
type Flow struct {
	Via string // the first line: the provider's name

	conn net.Conn
	mu   sync.Mutex
	seen seen
}

// seen is what was noted of a flow.
type seen struct {
	via           string
	messages      int
	last, resumed time.Time
	longest       time.Duration
	err           error
}

// Progress is how far a flow has come. Its times are ages: who asks may have another clock.
type Progress struct {
	Via      string        // the provider that carried the last message
	Messages int           // that came back
	Silent   time.Duration // since the last one did
	Longest  time.Duration // the longest time without one, up to now
	Resumed  time.Duration // since one came after a pause, or another way, the last time; -1 if that never was
	Ended    string        // why the flow ended; empty while it runs
}

// StartFlow begins a long transfer from the node.
func (n *Node) StartFlow(to netip.AddrPort, patience time.Duration) (*Flow, error) {
	f := &Flow{seen: seen{last: time.Now()}}
	err := n.Do(func() (err error) {
		f.conn, err = net.DialTimeout("tcp", to.String(), patience)
		return verdict(err)
	})
	if err != nil {
		return nil, fmt.Errorf("start a flow from %s to %s: %w", n.Name, to, err)
	}
	replies := bufio.NewReader(f.conn)
	if f.Via, err = replies.ReadString('\n'); err != nil {
		return nil, fmt.Errorf("start a flow from %s to %s: %w", n.Name, to, verdict(err))
	}
	f.Via = strings.TrimSpace(f.Via)
	f.seen.via = f.Via
	go f.run(replies)
	return f, nil
}

// StartDatagrams begins a flow of UDP datagrams from the node, all of them from one port: it goes on whatever becomes
// of a single one.
func (n *Node) StartDatagrams(to netip.AddrPort, patience time.Duration) (*Flow, error) {
	f := &Flow{seen: seen{last: time.Now()}}
	err := n.Do(func() (err error) {
		if f.conn, err = net.Dial("udp", to.String()); err == nil {
			f.Via, err = firstLine(f.conn, "udp", patience)
		}
		return err
	})
	if err == nil {
		err = f.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		return nil, fmt.Errorf("start datagrams from %s to %s: %w", n.Name, to, err)
	}
	f.seen.via = f.Via
	go f.ask()
	go f.listen()
	return f, nil
}

// ask sends datagrams until Stop. An error tells what became of an earlier one.
func (f *Flow) ask() {
	for {
		if _, err := f.conn.Write([]byte("who carries me?\n")); errors.Is(err, net.ErrClosed) {
			return
		}
		time.Sleep(beat)
	}
}

// listen notes the answers until Stop.
func (f *Flow) listen() {
	answer := make([]byte, 2048)
	for {
		size, err := f.conn.Read(answer)
		switch {
		case errors.Is(err, net.ErrClosed):
			f.note(err)
			return
		case err == nil:
			f.noteVia(strings.TrimSpace(string(answer[:size])))
			f.note(nil)
		}
	}
}

func (f *Flow) noteVia(provider string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if provider != f.seen.via {
		f.seen.via, f.seen.resumed = provider, time.Now()
	}
}

// run plays ping-pong until the connection breaks or Stop closes it.
func (f *Flow) run(replies io.Reader) {
	message := make([]byte, 512)
	for {
		_, err := f.conn.Write(message)
		if err == nil {
			_, err = io.ReadFull(replies, message)
		}
		f.note(err)
		if err != nil {
			return
		}
		time.Sleep(beat)
	}
}

func (f *Flow) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen.err = err; err != nil {
		return
	}
	now := time.Now()
	if now.Sub(f.seen.last) > pause {
		f.seen.resumed = now
	}
	f.seen.longest = max(f.seen.longest, now.Sub(f.seen.last))
	f.seen.messages++
	f.seen.last = now
}

// Progress tells how far the flow has come.
func (f *Flow) Progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := Progress{Via: f.seen.via, Messages: f.seen.messages, Silent: time.Since(f.seen.last), Longest: f.seen.longest, Resumed: -1}
	if !f.seen.resumed.IsZero() {
		p.Resumed = time.Since(f.seen.resumed)
	}
	if f.seen.err != nil {
		p.Ended = f.seen.err.Error()
	} else {
		p.Longest = max(p.Longest, p.Silent)
	}
	return p
}

// Stop ends the flow.
func (f *Flow) Stop() { _ = f.conn.Close() }
