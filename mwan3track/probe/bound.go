package probe

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"mwan3/network"
)

// bound is a socket on a path that serves one probe. The end of the probe's context interrupts what waits for it.
type bound struct {
	path    Path
	file    *os.File
	conn    syscall.RawConn
	fd      int
	release func() bool
}

// newBound takes over a socket that does not block.
func newBound(ctx context.Context, path Path, fd int) (*bound, error) {
	b := &bound{path: path, fd: fd, file: os.NewFile(uintptr(fd), "probe on "+path.Device)}
	var err error
	if b.conn, err = b.file.SyscallConn(); err != nil {
		b.file.Close()
		return nil, fmt.Errorf("open socket on %s: %w", path.Device, err)
	}
	b.release = context.AfterFunc(ctx, func() { _ = b.file.SetDeadline(time.Unix(1, 0)) })
	return b, nil
}

// openInet opens a UDP or TCP socket (SOCK_DGRAM or SOCK_STREAM). It remembers who sent ICMP errors.
func openInet(ctx context.Context, path Path, kind int) (*bound, error) {
	fd, err := syscall.Socket(domain(path.Family), kind|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	level, option := syscall.IPPROTO_IP, syscall.IP_RECVERR
	if path.Family == network.IPv6 {
		level, option = syscall.IPPROTO_IPV6, syscall.IPV6_RECVERR
	}
	err = syscall.SetsockoptInt(fd, level, option, 1)
	if err == nil {
		err = bind(fd, path)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("open socket on %s: %w", path.Device, err)
	}
	return newBound(ctx, path, fd)
}

func (b *bound) close() {
	b.release()
	b.file.Close()
}

// limit makes reads and writes end at a time.
func (b *bound) limit(ctx context.Context, until time.Time) error {
	if err := b.file.SetDeadline(until); err != nil {
		return err
	}
	return ctx.Err() // it may have ended before the deadline was set, which undid the interruption
}

// connect points a socket at a target: it hears nobody else then. With TCP it waits for the handshake. The error wraps
// ECONNREFUSED only if the target itself refuses.
func (b *bound) connect(target netip.AddrPort) error {
	err := syscall.Connect(b.fd, sockaddr(target))
	if err == syscall.EINPROGRESS {
		err = b.handshake()
	}
	if err == syscall.ECONNREFUSED {
		if offender, ok := b.offender(); ok && offender != target.Addr() {
			return fmt.Errorf("reach %s: refused by %s", target, offender)
		}
	}
	if err != nil {
		return fmt.Errorf("reach %s: %w", target, err)
	}
	return nil
}

func (b *bound) handshake() error {
	var failed error
	err := b.conn.Write(func(fd uintptr) bool {
		code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		switch {
		case err != nil:
			failed = err
		case code != 0:
			failed = syscall.Errno(code)
		default:
			_, err := syscall.Getpeername(int(fd))
			return err == nil // a new socket is reported writable before it is connected
		}
		return true
	})
	if err != nil {
		return err
	}
	return failed
}

// offender takes an ICMP error "port unreachable" off the socket's error queue and returns who sent it. A refusal
// without one came as a TCP reset.
func (b *bound) offender() (netip.Addr, bool) {
	var data [64]byte
	var control [512]byte
	_, n, _, _, err := syscall.Recvmsg(b.fd, data[:], control[:], syscall.MSG_ERRQUEUE|syscall.MSG_DONTWAIT)
	if err != nil {
		return netip.Addr{}, false
	}
	messages, _ := syscall.ParseSocketControlMessage(control[:n])
	for _, m := range messages {
		if offender, ok := parseOffender(m.Data); ok {
			return offender, true
		}
	}
	return netip.Addr{}, false
}

// parseOffender reads struct sock_extended_err of linux/errqueue.h: errno, origin (2 ICMP, 3 ICMPv6), 11 bytes, and then
// the socket address of who sent it.
func parseOffender(data []byte) (netip.Addr, bool) {
	const length, family, addr4, addr6 = 16, 16, 20, 24
	if len(data) < length || binary.NativeEndian.Uint32(data) != uint32(syscall.ECONNREFUSED) || data[4] != 2 && data[4] != 3 {
		return netip.Addr{}, false
	}
	if len(data) < addr4+4 {
		return netip.Addr{}, true
	}
	switch binary.NativeEndian.Uint16(data[family:]) {
	case syscall.AF_INET:
		return netip.AddrFrom4([4]byte(data[addr4:])), true
	case syscall.AF_INET6:
		if len(data) >= addr6+16 {
			return netip.AddrFrom16([16]byte(data[addr6:])), true
		}
	}
	return netip.Addr{}, true
}
