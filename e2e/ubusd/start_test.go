package ubusd

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/ubus"
)

// within is how long a test waits for what must come at once.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T) (s *Server, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run", "ubus.sock")
	s, err := Start(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, path
}

func dial(t *testing.T, path string) *ubus.Client {
	t.Helper()
	client, err := ubus.Dial(within(t), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func call(t *testing.T, c *ubus.Client, object, method string, args ubus.Table) ubus.Table {
	t.Helper()
	answer, err := c.Call(within(t), object, method, args)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func expectEvent(t *testing.T, c *ubus.Client, want ubus.Event) {
	t.Helper()
	got, err := c.Next(within(t))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatalf("%v, difference (-want +got):\n%s", err, diff)
	}
}

// raw is a client that speaks message by message.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *ubus.Reader
	id   uint32
}

func dialRaw(t *testing.T, path string) *raw {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := &raw{t: t, conn: conn, in: ubus.NewReader(conn)}
	hello := r.read()
	if hello.Type != ubus.MsgHello || hello.Seq != 0 || hello.Peer < systemIDs || hello.Attrs != nil {
		t.Fatalf("greeted with %+v", hello)
	}
	r.id = hello.Peer
	return r
}

func (r *raw) write(m ubus.Message) {
	r.t.Helper()
	b, err := m.Append(nil)
	if err == nil {
		_, err = r.conn.Write(b)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) read() ubus.Message {
	r.t.Helper()
	m, err := r.in.Next()
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

func (r *raw) expect(want ubus.Message) {
	r.t.Helper()
	if diff := cmp.Diff(bytesOf(r.t, want), bytesOf(r.t, r.read())); diff != "" {
		r.t.Fatalf("message (-want +got):\n%s", diff)
	}
}

func bytesOf(t *testing.T, m ubus.Message) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func status(seq uint16, peer uint32, code ubus.Status, more ...ubus.Attr) ubus.Message {
	return ubus.Message{Type: ubus.MsgStatus, Seq: seq, Peer: peer,
		Attrs: append([]ubus.Attr{ubus.Uint32Attr(ubus.AttrStatus, uint32(code))}, more...)}
}

// publish makes an object and returns its id.
func (r *raw) publish(attrs ...ubus.Attr) uint32 {
	r.t.Helper()
	r.write(ubus.Message{Type: ubus.MsgAddObject, Seq: 77, Attrs: attrs})
	id, ok := r.read().Uint32(ubus.AttrObjID)
	if !ok {
		r.t.Fatal("the new object has no id")
	}
	r.expect(status(77, 0, ubus.StatusOK))
	return id
}

func attr(t *testing.T, id ubus.AttrID, table ubus.Table) ubus.Attr {
	t.Helper()
	a, err := ubus.TableAttr(id, table)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// row makes a table of names and values in turn.
func row(namesAndValues ...any) ubus.Table {
	table := ubus.Table{}
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		table = append(table, ubus.Field{Name: namesAndValues[i].(string), Value: namesAndValues[i+1]})
	}
	return table
}
