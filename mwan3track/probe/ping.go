package probe

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// PingOptions are the options of methods ping and nping-icmp.
type PingOptions struct {
	Count   int           // echo requests for a target, one per second; one answer is enough without All
	Size    int           // of the payload, bytes
	TTL     int           // or hop limit
	Timeout time.Duration // after the last request, when nothing was answered
	All     bool          // all must be answered, as with nping's ICMP mode
}

func (o PingOptions) terms() terms {
	t := terms{count: o.Count, need: 1, timeout: o.Timeout}
	if o.All {
		t.need = t.count
	}
	return t
}

// maxOld is how many old packets a probe throws away first. The socket's buffer holds fewer.
const maxOld = 1000

// Ping probes with ICMP echo requests. It keeps one raw socket, and after the first probe it allocates nothing.
type Ping struct {
	// Ignored, if set, hears why each packet that is no answer was ignored.
	Ignored func(Ignored)

	path    Path
	options PingOptions
	file    *os.File
	fd      int
	conn    syscall.RawConn
	inet4   syscall.SockaddrInet4 // the target: in the Ping, so that a probe needs no memory
	inet6   syscall.SockaddrInet6
	request []byte
	buffer  []byte
	want    reply
	flight  flight

	read, drain func(fd uintptr) bool // readOne and readOld for conn.Read: made once, for the same reason
	length      int                   // of what readOne put into buffer
	readErr     error
	ctx         context.Context // the one that interrupts reading now
	release     func() bool     // ends that
}

// NewPing opens the socket. It fails when the device or the source address is not there (any more).
func NewPing(path Path, options PingOptions) (*Ping, error) {
	file, fd, err := openSocket(path, options.TTL)
	if err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open ICMP socket: %w", err)
	}
	p := &Ping{path: path, options: options, file: file, fd: fd, conn: conn}
	p.request = make([]byte, echoHeader+options.Size)
	for i := echoHeader; i < len(p.request); i++ {
		p.request[i] = byte(i)
	}
	p.buffer = make([]byte, 60+len(p.request)+1) // the longest IP header; a byte more shows a payload that is too long
	p.want = reply{family: path.Family, id: uint16(rand.Uint32()), payload: p.request[echoHeader:]}
	p.flight = newFlight(options.terms(), uint16(rand.Uint32()))
	p.read, p.drain = p.readOne, p.readOld
	return p, nil
}

// Close closes the socket.
func (p *Ping) Close() error {
	if p.release != nil {
		p.release()
	}
	return p.file.Close()
}

// Probe sends the requests and waits until all are answered or the time is over.
func (p *Ping) Probe(ctx context.Context, target Target) Result {
	p.obey(ctx)
	if err := p.aim(target.Addr); err != nil {
		return dead(err)
	}
	p.flight.terms = target.terms(p.options.terms())
	return p.flight.run(ctx, p)
}

// aim points the socket at a target: the kernel then gives it packets from there only.
func (p *Ping) aim(target netip.Addr) error {
	if err := p.path.check(target); err != nil {
		return err
	}
	var err error
	if target.Is4() {
		p.inet4.Addr = target.As4()
		err = syscall.Connect(p.fd, &p.inet4)
	} else {
		p.inet6.Addr = target.As16()
		err = syscall.Connect(p.fd, &p.inet6)
	}
	if err != nil {
		return fmt.Errorf("reach %s: %w", target, err)
	}
	p.want.source = target
	p.newToken()
	return p.throwAway()
}

// newToken makes answers to earlier probes, and forged ones, recognisable.
func (p *Ping) newToken() {
	token := rand.Uint64()
	for i := range min(tokenLength, len(p.want.payload)) {
		p.want.payload[i] = byte(token >> (8 * i))
	}
}

// throwAway empties the socket's buffer, lest what came in since the last probe fills it.
func (p *Ping) throwAway() error {
	if err := p.file.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if err := p.conn.Read(p.drain); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

// send sends the next request. A socket reports an error that an earlier packet met once; that is no reason to fail.
func (p *Ping) send(sequence uint16) error {
	putEcho(p.request, p.path.Family, p.want.id, sequence)
	_, err := syscall.Write(p.fd, p.request)
	if err != nil {
		_, err = syscall.Write(p.fd, p.request)
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", p.want.source, err)
	}
	return nil
}

// await reads one packet and takes it in if it is an answer.
func (p *Ping) await(ctx context.Context, until time.Time) error {
	if err := p.file.SetReadDeadline(until); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // it ended before the deadline was set, which undid the interruption
	}
	if err := p.conn.Read(p.read); err != nil {
		return err
	}
	if p.readErr != nil {
		return p.readErr
	}
	reason := p.take(p.buffer[:p.length], time.Now())
	if reason != Accepted && p.Ignored != nil {
		p.Ignored(reason)
	}
	return nil
}

func (p *Ping) take(packet []byte, now time.Time) Ignored {
	sequence, reason := p.want.parse(packet)
	if reason != Accepted {
		return reason
	}
	return p.flight.answer(sequence, now)
}

func (p *Ping) readOne(fd uintptr) bool {
	p.length, p.readErr = syscall.Read(int(fd), p.buffer)
	return p.readErr != syscall.EAGAIN
}

func (p *Ping) readOld(fd uintptr) bool {
	for range maxOld {
		if _, err := syscall.Read(int(fd), p.buffer); err == syscall.EAGAIN {
			break
		}
	}
	return true
}

// obey makes the end of ctx interrupt a probe that waits. The same ctx serves many probes and is looked at once.
func (p *Ping) obey(ctx context.Context) {
	if ctx == p.ctx {
		return
	}
	if p.release != nil {
		p.release()
	}
	p.ctx = ctx
	p.release = context.AfterFunc(ctx, func() { _ = p.file.SetReadDeadline(time.Unix(1, 0)) })
}
