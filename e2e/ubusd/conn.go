package ubusd

import (
	"net"
	"os/user"
	"strconv"
	"sync"
	"syscall"

	"mwan3/ubus"
)

// conn is a client's connection. What is sent to it waits in a queue, so that a slow client holds nobody up.
type conn struct {
	id      uint32
	socket  *net.UnixConn
	user    string // who the client runs as; "" = unknown
	group   string
	objects []*object
	monitor bool

	mu     sync.Mutex
	filled sync.Cond
	queue  []byte
	ended  bool
}

// serve greets a new client and runs its connection until one side ends it.
func (s *Server) serve(socket *net.UnixConn, b *bus) {
	c := &conn{socket: socket}
	c.user, c.group = identify(socket)
	c.filled.L = &c.mu
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bus != b || s.isClosed() {
		socket.Close()
		return
	}
	b.connect(c)
	s.running.Add(2)
	go func() {
		defer s.running.Done()
		c.write()
	}()
	go func() {
		defer s.running.Done()
		s.read(c, b)
	}()
}

// identify asks the kernel who the client is, and the system what that is called.
func identify(socket *net.UnixConn) (name, groupName string) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return "", ""
	}
	var who *syscall.Ucred
	if raw.Control(func(fd uintptr) {
		who, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}) != nil || err != nil {
		return "", ""
	}
	if u, err := user.LookupId(strconv.Itoa(int(who.Uid))); err == nil {
		name = u.Username
	}
	if g, err := user.LookupGroupId(strconv.Itoa(int(who.Gid))); err == nil {
		groupName = g.Name
	}
	return name, groupName
}

// read handles the client's messages until there are no more.
func (s *Server) read(c *conn, b *bus) {
	in := ubus.NewReader(c.socket)
	for {
		m, err := in.Next()
		s.mu.Lock()
		if err != nil || s.bus != b {
			b.disconnect(c)
			s.mu.Unlock()
			return
		}
		s.receive(b, c, m)
		s.mu.Unlock()
	}
}

// send queues a message for the client. One that is too long for the protocol is dropped, as ubusd does.
func (c *conn) send(m ubus.Message) {
	b, err := m.Append(nil)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, b...)
	c.filled.Signal()
}

// close ends the connection from this side.
func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.filled.Signal()
	c.socket.Close()
}

// write sends what is queued until the connection ends.
func (c *conn) write() {
	for {
		b := c.take()
		if b == nil {
			return
		}
		if _, err := c.socket.Write(b); err != nil {
			c.close()
			return
		}
	}
}

// take waits for something to send; nil means the end.
func (c *conn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && !c.ended {
		c.filled.Wait()
	}
	b := c.queue
	c.queue = nil
	return b
}
