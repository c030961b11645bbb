// Package resolve finds the address of a host as the other programs on the router do: in /etc/hosts, or by asking the name
// servers of /etc/resolv.conf, which are reached by any uplink.
//
// It does what a router needs. Left out are TCP and EDNS (the addresses in an answer that was cut off are taken),
// nsswitch.conf, sortlist and rotate, and the order of RFC 6724: addresses come as the server gives them. The standard
// library's resolver would add 56 KiB to a compressed MIPS binary.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"mwan3/network"
)

// Resolver looks names up. Its files are read each time.
type Resolver struct {
	Hosts string // the path of a hosts file
	Conf  string // that of a resolv.conf
}

// Default returns the router's resolver.
func Default() Resolver { return Resolver{Hosts: "/etc/hosts", Conf: "/etc/resolv.conf"} }

// Lookup returns the addresses of a host, of one family, at least one. The error says why there is none; when ctx ends it
// wraps the context's error.
func (r Resolver) Lookup(ctx context.Context, family network.Family, host string) ([]netip.Addr, error) {
	if addrs := readHosts(r.Hosts, family, host); len(addrs) > 0 {
		return addrs, nil
	}
	s := readSystem(r.Conf)
	err := errNoHost
	for _, name := range s.names(host) {
		question, failed := ask(name, family)
		if failed != nil {
			return nil, failed
		}
		var addrs []netip.Addr
		if addrs, err = s.lookup(ctx, question); err == nil {
			return addrs, nil
		}
		if !errors.Is(err, errNoHost) && !errors.Is(err, errNoAddr) {
			break // it may be there
		}
	}
	return nil, err
}

// lookup asks one server after the other until one knows, be it that there is nothing.
func (s system) lookup(ctx context.Context, question dnsmessage.Question) (addrs []netip.Addr, err error) {
	for range s.attempts {
		for _, server := range s.servers {
			addrs, err = server.ask(ctx, question, s.timeout)
			if err == nil || errors.Is(err, errNoHost) || errors.Is(err, errNoAddr) {
				return addrs, err
			}
			err = fmt.Errorf("ask %s: %w", server.addr.Addr(), err)
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
			}
		}
	}
	return nil, err
}

// maxAnswer is more than the 512 bytes that a server sends whom nobody permits more (RFC 1035 section 4.2.1).
const maxAnswer = 1500

// ask asks a server from a port and with a number that nobody can guess, and waits for its answer. Everything else that
// comes in is ignored.
func (s server) ask(ctx context.Context, question dnsmessage.Question, timeout time.Duration) ([]netip.Addr, error) {
	id := uint16(rand.Uint32())
	packet, err := query(id, question)
	if err != nil {
		return nil, err
	}
	fd, err := s.open()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "name server")
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { _ = file.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := file.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := syscall.Write(fd, packet); err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	buffer := make([]byte, maxAnswer)
	for err == nil && ctx.Err() == nil {
		var n int
		if n, err = receive(conn, buffer); err != nil {
			break
		}
		if addrs, err := parse(buffer[:n], id, question); err != errNoAnswer {
			return addrs, err
		}
	}
	if err == nil { // ctx ended before the deadline was set, which undid the interruption
		err = os.ErrDeadlineExceeded
	}
	return nil, err
}

// receive waits for a datagram.
func receive(conn syscall.RawConn, buffer []byte) (n int, err error) {
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		n, failed = syscall.Read(int(fd), buffer)
		return failed != syscall.EAGAIN
	})
	if err == nil {
		err = failed
	}
	return max(n, 0), err
}

// open opens a socket that hears the server alone.
func (s server) open() (int, error) {
	family, to := syscall.AF_INET, syscall.Sockaddr(nil)
	if s.addr.Addr().Is4() {
		to = &syscall.SockaddrInet4{Addr: s.addr.Addr().As4(), Port: int(s.addr.Port())}
	} else {
		family, to = syscall.AF_INET6, &syscall.SockaddrInet6{Addr: s.addr.Addr().As16(), Port: int(s.addr.Port()), ZoneId: s.zone}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := syscall.Connect(fd, to); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
