package lab

import (
	"bufio"
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

// Flow is a long transfer: a TCP connection to an answer service on which messages go there and back all the time.
type Flow struct {
	Via string // the first line: the provider's name

	conn net.Conn
	mu   sync.Mutex
	seen Progress
}

// Progress is how far a flow has come.
type Progress struct {
	Messages int           // that came back
	Last     time.Time     // when the last one did
	Longest  time.Duration // the longest time without one, up to now
	Err      error         // why the flow ended; nil while it runs
}

// StartFlow begins a long transfer from the node.
func (n *Node) StartFlow(to netip.AddrPort, patience time.Duration) (*Flow, error) {
	f := &Flow{seen: Progress{Last: time.Now()}}
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
	go f.run(replies)
	return f, nil
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
	if f.seen.Err = err; err != nil {
		return
	}
	now := time.Now()
	f.seen.Longest = max(f.seen.Longest, now.Sub(f.seen.Last))
	f.seen.Messages++
	f.seen.Last = now
}

// Progress tells how far the flow has come.
func (f *Flow) Progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.seen
	if p.Err == nil {
		p.Longest = max(p.Longest, time.Since(p.Last))
	}
	return p
}

// Stop ends the flow.
func (f *Flow) Stop() { _ = f.conn.Close() }
