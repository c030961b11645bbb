package ubus

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// peer is the other end of a client's connection: it says and expects what a test lists.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *Reader
}

// within is how long a test waits for what must come at once.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// connected returns a client and the ubusd that it talks to, which has said hello and runs serve.
func connected(t *testing.T, serve func(p peer)) *Client {
	t.Helper()
	here, there := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer there.Close()
		p := peer{t, there, NewReader(there)}
		p.say(Message{Type: MsgHello, Peer: 0x1234})
		serve(p)
	}()
	t.Cleanup(func() {
		here.Close()
		<-done
	})
	client, err := greet(within(t), here)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (p peer) say(m Message) {
	b, err := m.Append(nil)
	if err != nil {
		p.t.Error(err)
	}
	for _, piece := range [][]byte{b[:1], b[1:9], b[9:]} {
		if _, err := p.conn.Write(piece); err != nil {
			p.t.Error(err)
			return
		}
	}
}

// hear expects a request, any sequence number will do, and returns the number.
func (p peer) hear(want Message) uint16 {
	got, err := p.in.Next()
	if err != nil {
		p.t.Error(err)
	}
	want.Seq = got.Seq
	if diff := cmp.Diff(withoutNil(want), withoutNil(got)); diff != "" {
		p.t.Errorf("request (-want +got):\n%s", diff)
	}
	return got.Seq
}

// hang says nothing more until the client is closed.
func (p peer) hang() { _, _ = p.in.Next() }

func (p peer) hearLookup(path string) uint16 {
	return p.hear(Message{Type: MsgLookup, Attrs: []Attr{TextAttr(AttrObjPath, path)}})
}

func (p peer) hearInvoke(id uint32, method string, args Table) uint16 {
	return p.hear(Message{Type: MsgInvoke, Peer: id, Attrs: []Attr{Uint32Attr(AttrObjID, id), TextAttr(AttrMethod, method),
		tableAttr(p.t, AttrData, args)}})
}

func (p peer) sayStatus(seq uint16, status Status) {
	p.say(Message{Type: MsgStatus, Seq: seq, Attrs: []Attr{Uint32Attr(AttrStatus, uint32(status))}})
}

func (p peer) sayData(seq uint16, data Table) {
	p.say(Message{Type: MsgData, Seq: seq, Attrs: []Attr{Uint32Attr(AttrObjID, 1), tableAttr(p.t, AttrData, data)}})
}

// answerLookup expects the question for path and answers that id is its number.
func (p peer) answerLookup(path string, id uint32) {
	seq := p.hearLookup(path)
	p.say(Message{Type: MsgData, Seq: seq, Attrs: []Attr{TextAttr(AttrObjPath, path), Uint32Attr(AttrObjID, id)}})
	p.sayStatus(seq, StatusOK)
}

// listen accepts connections on a socket of its own, one after the other: each is for the next of serve.
func listen(t *testing.T, serve ...func(net.Conn)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var conns []net.Conn
	go func() {
		defer close(done)
		for _, serve := range serve {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
		for _, conn := range conns {
			conn.Close()
		}
	})
	return path
}
