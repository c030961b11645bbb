package iproute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// receiveSize is the most that the kernel puts into one datagram of a dump (netlink_recvmsg of
	// net/netlink/af_netlink.c); it puts in as much as the reader has room for.
	receiveSize = 16 << 10
	// chunkSize bounds what one send carries, so that the answers fit the socket even if all of it fails, and
	// the kernel's lock is free for others in between.
	chunkSize     = 16 << 10
	chunkMessages = 128
	// chunkAnswers is a receive buffer for the answers to a chunk.
	chunkAnswers = 512 << 10
	// patience is how long the kernel may take for an answer. It answers while the request is being sent, so
	// this only keeps a bug from becoming a hang.
	patience = 10 * time.Second
	// dumpTries is how often a dump is repeated that changed while it was read. After that it counts as it
	// is: whoever must not miss a change watches, and is told of it.
	dumpTries = 5
)

// conn is a connection for requests.
type conn struct {
	sock   *nl.NetlinkSocket
	strict bool // the kernel filters dumps by table
	seq    uint32
	in     []byte // for received datagrams, reused
	out    []byte // for requests, reused
}

func dial() (*conn, error) {
	sock, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	fd := sock.GetFd()
	// Kernels before 4.20, 4.12 and 4.3 lack these; everything works without them, with less comfort.
	strict := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1) == nil
	_ = sock.SetExtAck(true)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	enlarge(sock, chunkAnswers)
	return &conn{sock: sock, strict: strict, in: make([]byte, receiveSize)}, nil
}

func (c *conn) close() { c.sock.Close() }

// enlarge makes the socket's receive buffer as large as permitted, at most size bytes.
func enlarge(sock *nl.NetlinkSocket, size int) {
	if sock.SetReceiveBufferSize(size, true) != nil {
		_ = sock.SetReceiveBufferSize(size, false)
	}
}

func (c *conn) send(b []byte) error {
	for {
		err := unix.Sendto(c.sock.GetFd(), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return err
		}
	}
}

// receive waits for a datagram and returns it; it is valid until the next call.
func (c *conn) receive() ([]byte, error) {
	for {
		n, err := receiveNow(c.sock, c.in)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if err := c.wait(); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case n > 0:
			return c.in[:n], nil
		}
	}
}

// receiveNow reads one datagram of the kernel without waiting. It returns 0 for one that another process sent.
func receiveNow(sock *nl.NetlinkSocket, b []byte) (int, error) {
	for {
		n, from, err := unix.Recvfrom(sock.GetFd(), b, unix.MSG_TRUNC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != nl.PidKernel {
			return 0, nil
		}
		if n > len(b) {
			return 0, unix.EMSGSIZE
		}
		return n, nil
	}
}

func (c *conn) wait() error {
	fds := []unix.PollFd{{Fd: int32(c.sock.GetFd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(patience.Milliseconds()))
	if err != nil && err != unix.EINTR {
		return err
	}
	if n == 0 && err == nil {
		return fmt.Errorf("no answer from the kernel within %v", patience)
	}
	return nil
}

// dump asks for a list: body is the request behind the netlink header. Each entry goes to each; an entry that each
// refuses ends the dump with its error. restart is called before the list begins anew because it changed meanwhile.
func (c *conn) dump(typ uint16, body []byte, restart func(), each func(body []byte) error) error {
	for try := 1; ; try++ {
		changed, err := c.dumpOnce(typ, body, each)
		if err != nil || !changed || try == dumpTries {
			return err
		}
		restart()
	}
}

func (c *conn) dumpOnce(typ uint16, body []byte, each func(body []byte) error) (changed bool, err error) {
	c.seq++
	c.out = append(appendHeader(c.out[:0], typ, unix.NLM_F_DUMP), body...)
	finish(c.out, 0, c.seq)
	if err := c.send(c.out); err != nil {
		return false, err
	}
	var refused error
	err = c.answers(func(m message) (bool, error) {
		changed = changed || m.flags&unix.NLM_F_DUMP_INTR != 0
		switch {
		case m.seq != c.seq:
			return false, nil
		case m.typ == unix.NLMSG_DONE || m.typ == unix.NLMSG_ERROR:
			return true, answerError(m)
		case refused == nil:
			refused = each(m.body)
		}
		return false, nil
	})
	if err == nil {
		err = refused
	}
	return changed, err
}

// answers hands the received messages to handle until it says that it was the last one.
func (c *conn) answers(handle func(message) (last bool, err error)) error {
	for {
		datagram, err := c.receive()
		if err != nil {
			return err
		}
		for len(datagram) > 0 {
			var m message
			if m, datagram, err = nextMessage(datagram); err != nil {
				return err
			}
			if last, err := handle(m); last {
				return err
			}
		}
	}
}

// answerError returns the error that an answer reports (NLMSG_ERROR, NLMSG_DONE), with the kernel's explanation if
// it gives one; nil for success.
func answerError(m message) error {
	if len(m.body) < 4 {
		if m.typ == unix.NLMSG_DONE {
			return nil
		}
		return errMalformed
	}
	errno := -int32(binary.NativeEndian.Uint32(m.body))
	if errno == 0 {
		return nil
	}
	if text := explanation(m); text != "" {
		return fmt.Errorf("%w (%s)", unix.Errno(errno), text)
	}
	return unix.Errno(errno)
}

// explanation finds the text behind the error and, in NLMSG_ERROR, the copy of the request.
func explanation(m message) string {
	if m.flags&unix.NLM_F_ACK_TLVS == 0 {
		return ""
	}
	skip := 4
	if m.typ == unix.NLMSG_ERROR {
		if skip += unix.SizeofNlMsghdr; len(m.body) < skip {
			return ""
		}
		if m.flags&unix.NLM_F_CAPPED == 0 {
			size := binary.NativeEndian.Uint32(m.body[4:])
			skip = 4 + align4(int(min(size, uint32(len(m.body)))))
		}
	}
	if skip > len(m.body) {
		return ""
	}
	for a := (attributes{rest: m.body[skip:]}); a.next(); {
		if a.typ == unix.NLMSGERR_ATTR_MSG {
			return a.text()
		}
	}
	return ""
}

// ask asks for one thing: body is the request behind the netlink header. The answer goes to read.
func (c *conn) ask(typ uint16, body []byte, read func(body []byte) error) error {
	c.seq++
	c.out = append(appendHeader(c.out[:0], typ, 0), body...)
	finish(c.out, 0, c.seq)
	if err := c.send(c.out); err != nil {
		return err
	}
	return c.answers(func(m message) (bool, error) {
		switch {
		case m.seq != c.seq:
			return false, nil
		case m.typ == unix.NLMSG_ERROR:
			return true, answerError(m)
		}
		return true, read(m.body)
	})
}
