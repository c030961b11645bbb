// Package ubus speaks the wire protocol of OpenWrt's message bus: it calls methods of other services, hears their
// events, and returns netifd's answers as network data.
//
// On the socket of ubusd go messages; a message consists of attributes; some attributes hold tables of named values
// (blobmsg). Everything is big-endian and aligned to four bytes.
package ubus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// Sockets are the places of ubusd's socket: since OpenWrt 21.02, and before.
var Sockets = [...]string{"/var/run/ubus/ubus.sock", "/var/run/ubus.sock"}

// Client is a connection to ubusd, for one goroutine at a time. After an error with the cause Lost or Garbled it can
// only be closed.
type Client struct {
	conn   conn
	in     *Reader
	seq    uint16
	ids    map[string]uint32 // the objects looked up so far, by path
	own    uint32            // our nameless object, which events are sent to; 0 = not made yet
	events []Event           // arrived, but not yet asked for
}

// conn is a socket, whose reads and writes can have an end.
type conn interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// Dial connects to the ubusd that listens at path, or at the first of Sockets if path is empty. Causes: NoDaemon,
// NoAnswer, Lost, Garbled.
func Dial(ctx context.Context, path string) (*Client, error) {
	if path != "" {
		return dial(ctx, path)
	}
	var failed error
	for _, path := range Sockets {
		client, err := dial(ctx, path)
		if !errors.Is(err, NoDaemon) {
			return client, err
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

func dial(ctx context.Context, path string) (*Client, error) {
	conn, err := connect(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", NoDaemon, err)
	}
	client, err := greet(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect to ubusd at %s: %w", path, err)
	}
	return client, nil
}

// connect does what net.Dial does, which would add 80 KiB to the program.
func connect(path string) (*os.File, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return nil, &os.PathError{Op: "connect to", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// greet waits for ubusd's hello on a new connection.
func greet(ctx context.Context, conn conn) (*Client, error) {
	c := &Client{conn: conn, in: NewReader(conn), ids: map[string]uint32{}}
	release := c.bind(ctx)
	defer release()
	hello, err := c.in.Next()
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	if hello.Type != MsgHello {
		return nil, fmt.Errorf("%w: message type %d instead of hello", Garbled, hello.Type)
	}
	return c, nil
}

// Close ends the connection. Objects and registrations end with it.
func (c *Client) Close() error { return c.conn.Close() }

// Call calls a method of an object and returns its answer, nil if the answer holds no data. A Status other than
// StatusOK is an error; a missing object is NoObject, not StatusNotFound, which is the method's own answer. Without a
// deadline in ctx a service that hangs holds the caller up for ever: ubusd has no time limit.
func (c *Client) Call(ctx context.Context, object, method string, args Table) (Table, error) {
	answer, err := c.call(ctx, object, method, args)
	if err != nil {
		return nil, fmt.Errorf("ubus call %s %s: %w", object, method, err)
	}
	return answer, nil
}

// call looks again when ubusd says not found: the object may have a new id, because its service was restarted.
func (c *Client) call(ctx context.Context, object, method string, args Table) (Table, error) {
	id, err := c.object(ctx, object)
	if err != nil {
		return nil, err
	}
	answer, err := c.invoke(ctx, id, method, args)
	if !errors.Is(err, StatusNotFound) {
		return answer, err
	}
	delete(c.ids, object)
	again, missing := c.object(ctx, object)
	if missing != nil {
		return nil, missing
	}
	if again == id {
		return nil, err
	}
	return c.invoke(ctx, again, method, args)
}

// object returns the id of an object, asking ubusd only the first time.
func (c *Client) object(ctx context.Context, path string) (uint32, error) {
	if id, ok := c.ids[path]; ok {
		return id, nil
	}
	m := Message{Type: MsgLookup, Attrs: []Attr{TextAttr(AttrObjPath, path)}}
	err := c.ask(ctx, m, func(answer Message) error {
		if id, ok := answer.Uint32(AttrObjID); ok && answer.Text(AttrObjPath) == path {
			c.ids[path] = id
		}
		return nil
	})
	id, ok := c.ids[path]
	if errors.Is(err, StatusNotFound) || err == nil && !ok {
		return 0, NoObject
	}
	return id, err
}

func (c *Client) invoke(ctx context.Context, id uint32, method string, args Table) (Table, error) {
	data, err := TableAttr(AttrData, args)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", Unsent, err)
	}
	m := Message{Type: MsgInvoke, Peer: id,
		Attrs: []Attr{Uint32Attr(AttrObjID, id), TextAttr(AttrMethod, method), data}}
	var answer Table
	err = c.ask(ctx, m, func(reply Message) error {
		fields, err := reply.Table(AttrData)
		if err != nil {
			return fmt.Errorf("%w: %w", Garbled, err)
		}
		answer = append(answer, fields...)
		return nil
	})
	return answer, err
}

// ask sends a request and hands its answers to got until the status that ends them. The rest of an answer that got
// refuses is passed over by the next request, like answers that came too late.
func (c *Client) ask(ctx context.Context, m Message, got func(Message) error) error {
	release := c.bind(ctx)
	defer release()
	c.seq++
	m.Seq = c.seq
	if err := c.send(m); err != nil {
		return c.fail(ctx, err)
	}
	for {
		in, err := c.in.Next()
		if err != nil {
			return c.fail(ctx, err)
		}
		switch {
		case in.Seq == m.Seq && in.Type == MsgData:
			if err := got(in); err != nil {
				return err
			}
		case in.Seq == m.Seq && in.Type == MsgStatus:
			return status(in)
		default:
			c.keep(in)
		}
	}
}

// status returns the status of an answer as an error, nil if it is good.
func status(m Message) error {
	code, ok := m.Uint32(AttrStatus)
	if !ok {
		return fmt.Errorf("%w: status message without a status", Garbled)
	}
	if Status(code) == StatusOK {
		return nil
	}
	return Status(code)
}

// send writes a message. One that went out only in part would spoil the next: the connection is closed.
func (c *Client) send(m Message) error {
	b, err := m.Append(nil)
	if err != nil {
		return fmt.Errorf("%w: %w", Unsent, err)
	}
	if _, err := c.conn.Write(b); err != nil {
		c.conn.Close()
		return err
	}
	return nil
}

// bind makes the connection's reads and writes fail when ctx ends, until release is called.
func (c *Client) bind(ctx context.Context) (release func()) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.conn.SetDeadline(time.Unix(1, 0))
		close(ended)
	})
	return func() {
		if !stop() {
			<-ended
		}
		c.conn.SetDeadline(time.Time{})
	}
}

// fail gives an error of the connection its cause.
func (c *Client) fail(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, Garbled):
		c.conn.Close()
		return err
	case errors.Is(err, Unsent):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return fmt.Errorf("%w: %w", NoAnswer, ctx.Err())
	}
	return fmt.Errorf("%w: %w", Lost, err)
}
