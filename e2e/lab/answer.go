package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// servicePort is where the answer services listen. All ports of the targets lead there.
const servicePort = 7

// serve starts the node's answer service, TCP and UDP, both families: the first line of every connection, and the
// answer to every datagram, is what answer says to the peer. What a TCP peer sends afterwards is sent back.
func (n *Node) serve(answer func(netip.Addr) string) error {
	return n.Do(func() error {
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{Port: servicePort})
		if err != nil {
			return fmt.Errorf("serve on %s: %w", n.Name, err)
		}
		socket, err := net.ListenUDP("udp", &net.UDPAddr{Port: servicePort})
		if err != nil {
			return fmt.Errorf("serve on %s: %w", n.Name, err)
		}
		go serveTCP(listener, answer)
		go serveUDP(socket, answer)
		return nil
	})
}

// serveName starts an answer service that tells the node's name.
func (n *Node) serveName() error { return n.serve(func(netip.Addr) string { return n.Name }) }

func serveTCP(listener *net.TCPListener, answer func(netip.Addr) string) {
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			continue // a peer that gave up; the listener itself lives as long as the lab
		}
		go echo(conn, answer)
	}
}

// echo serves one TCP connection.
func echo(conn *net.TCPConn, answer func(netip.Addr) string) {
	defer conn.Close()
	peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
	if _, err := fmt.Fprintln(conn, answer(peer)); err != nil {
		return
	}
	_, _ = io.Copy(conn, conn) // the peer sees how it ended
}

func serveUDP(socket *net.UDPConn, answer func(netip.Addr) string) {
	datagram := make([]byte, 2048)
	for {
		_, peer, err := socket.ReadFromUDPAddrPort(datagram)
		if err != nil {
			continue // an ICMP error about an earlier answer
		}
		_, _ = socket.WriteToUDPAddrPort([]byte(answer(peer.Addr().Unmap())+"\n"), peer) // lost answers are silence
	}
}

// What can become of a connection, besides an answer.
var (
	ErrUnreachable = errors.New("unreachable") // refused with an ICMP message, or by the own kernel
	ErrSilence     = errors.New("silence")     // nothing came back in time
	ErrBlackhole   = errors.New("blackholed")  // swallowed by the own kernel
	ErrRefused     = errors.New("refused")     // nobody listens there
)

// Ask makes a new connection from the node and returns its first line: the provider's name when it leads to a
// target. network is tcp or udp.
func (n *Node) Ask(network string, to netip.AddrPort, patience time.Duration) (answer string, err error) {
	err = n.Do(func() error {
		conn, err := net.DialTimeout(network, to.String(), patience)
		if err != nil {
			return verdict(err)
		}
		defer conn.Close()
		answer, err = firstLine(conn, network, patience)
		return err
	})
	return answer, err
}

func firstLine(conn net.Conn, network string, patience time.Duration) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if network == "udp" {
		if _, err := conn.Write([]byte("who carries me?\n")); err != nil {
			return "", verdict(err)
		}
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), verdict(err)
}

// verdict sorts the errors of a connection.
func verdict(err error) error {
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
		return ErrUnreachable
	case errors.Is(err, unix.EINVAL):
		return ErrBlackhole
	case errors.Is(err, unix.ECONNREFUSED):
		return ErrRefused
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrSilence
	}
	return err
}

// AskThrough asks a target with a datagram from the router that leaves through device, past mwan3's rules: as a
// tracker does, with the mark for the table main and bound to the device. An error means that nothing came back.
func (s *Site) AskThrough(device string, to netip.AddrPort, patience time.Duration) error {
	dialer := net.Dialer{Timeout: patience, Control: func(_, _ string, raw syscall.RawConn) error {
		var fault error
		err := raw.Control(func(fd uintptr) {
			fault = errors.Join(
				unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, device),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, defaultMark),
			)
		})
		return errors.Join(err, fault)
	}}
	return s.Router.Do(func() error {
		conn, err := dialer.Dial("udp", to.String())
		if err != nil {
			return verdict(err)
		}
		defer conn.Close()
		_, err = firstLine(conn, "udp", patience)
		return err
	})
}

// defaultMark is mwan3's mark for traffic that follows the table main (all bits of the default mask).
const defaultMark = 0x3f00
