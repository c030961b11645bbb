package bind

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mwan3/emulation"
)

// childEnv holds the bindings that a test program enters as a child, one after the other.
const childEnv = "MWAN3_BIND_CHILD"

// entry is a binding, and how much of the ladder an older kernel lacks.
type entry struct {
	Binding
	Lacks int
}

func TestMain(m *testing.M) {
	text, ok := os.LookupEnv(childEnv)
	if !ok {
		os.Exit(runWithGroups(m))
	}
	var entries []entry
	err := json.Unmarshal([]byte(text), &entries)
	for _, e := range entries {
		err = errors.Join(err, enterAs(e.Binding, ladder()[e.Lacks:]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, thing := range os.Args[1:] {
		fmt.Println(do(strings.Fields(thing)))
	}
}

// mountEnv, in the environment, makes the test's program mount cgroups for itself: a directory.
const mountEnv = "MWAN3_BIND_MOUNT"

// runWithGroups runs the tests where a cgroup2 file system is mounted: here, or else in mounts of their own.
func runWithGroups(m *testing.M) int {
	if dir, ok := os.LookupEnv(mountEnv); ok {
		if err := unix.Mount("none", dir, "cgroup2", 0, ""); err != nil {
			fmt.Fprintln(os.Stderr, "mount cgroup2:", err)
			return 1
		}
		return m.Run()
	}
	if _, err := findParent(); err == nil || emulation.On() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "cgroup2")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.Remove(dir)
	self := exec.Command("/proc/self/exe", os.Args[1:]...)
	self.Env = append(os.Environ(), mountEnv+"="+dir)
	self.Stdout, self.Stderr = os.Stdout, os.Stderr
	self.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := self.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// do does a thing and tells what came of it.
func do(words []string) string {
	answer, err := try(words)
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "silence"
	case err != nil:
		return err.Error()
	}
	return answer
}

func try(words []string) (string, error) {
	switch words[0] {
	case "tcp", "udp":
		return dial(words[0], words[1])
	case "from": // from udp a local address to a target
		return dialFrom(words[1], words[2], words[3])
	case "sendto":
		return sendAll(words[1], words[2:])
	case "listen":
		return listen(words[1], words[2])
	case "raw":
		return raw(words[1])
	case "steal":
		return steal(words[1], words[2])
	case "where":
		own, err := os.ReadFile("/proc/self/cgroup")
		_, where, _ := strings.Cut("\n"+string(own), "\n0::")
		return path.Base(strings.TrimSpace(where)), err
	case "setuid":
		return "nobody", syscall.Setuid(65534)
	case "enter":
		return "entered", Enter(Binding{Device: "wan0", Index: 1, Source: netip.MustParseAddr("10.0.1.2")})
	}
	return "", fmt.Errorf("what is %q?", words)
}

// patience is longer than anything takes that works.
const patience = 700 * time.Millisecond

func dial(kind, to string) (string, error) { return ask(net.Dialer{Timeout: patience}, kind, to) }

func dialFrom(kind, from, to string) (string, error) {
	d := net.Dialer{Timeout: patience}
	if at := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from)); kind == "tcp" {
		d.LocalAddr = at
	} else {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from))
	}
	return ask(d, kind, to)
}

// ask connects and returns the address that the answer tells, with the socket's device and mark.
func ask(d net.Dialer, kind, to string) (string, error) {
	conn, err := d.Dial(kind, to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if kind == "udp" {
		if _, err := conn.Write([]byte("who am I?")); err != nil {
			return "", err
		}
	}
	var answer [64]byte
	n, err := conn.Read(answer[:])
	return strings.TrimSpace(string(answer[:n])) + settings(conn.(syscall.Conn)), err
}

// sendAll sends datagrams from one unconnected socket, and says who each answer takes it for.
func sendAll(kind string, targets []string) (string, error) {
	socket, err := net.ListenUDP(kind, nil)
	if err != nil {
		return "", err
	}
	defer socket.Close()
	var answers []string
	for _, to := range targets {
		answers = append(answers, verdict(sendOne(socket, to)))
	}
	return strings.Join(answers, " ") + settings(socket), nil
}

func verdict(answer string, err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	if err != nil {
		return "silence"
	}
	return answer
}

func sendOne(socket *net.UDPConn, to string) (string, error) {
	_, err := socket.WriteToUDPAddrPort([]byte("who am I?"), netip.MustParseAddrPort(to))
	if err != nil {
		return "", err
	}
	if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	var answer [64]byte
	n, err := socket.Read(answer[:])
	return strings.TrimSpace(string(answer[:n])), err
}

// listen binds a socket and returns the address that it got.
func listen(kind, at string) (string, error) {
	if kind == "udp" {
		return bindUDP(netip.MustParseAddrPort(at))
	}
	listener, err := net.Listen(kind, at)
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return host(listener.Addr()) + settings(listener.(syscall.Conn)), nil
}

// bindUDP does without the net package, which binds multicast addresses in its own way.
func bindUDP(at netip.AddrPort) (string, error) {
	family, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()})
	if at.Addr().Is4() {
		family, to = unix.AF_INET, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, to); err != nil {
		return "", err
	}
	got, err := unix.Getsockname(fd)
	if err != nil {
		return "", err
	}
	text := fdSettings(fd)
	if four, ok := got.(*unix.SockaddrInet4); ok {
		return netip.AddrFrom4(four.Addr).String() + text, nil
	}
	return netip.AddrFrom16(got.(*unix.SockaddrInet6).Addr).String() + text, nil
}

// raw makes a raw socket like ping's.
func raw(kind string) (string, error) {
	family, protocol := unix.AF_INET, unix.IPPROTO_ICMP
	if kind == "icmp6" {
		family, protocol = unix.AF_INET6, unix.IPPROTO_ICMPV6
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW, protocol)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return "raw" + fdSettings(fd), nil
}

// steal connects a socket whose device and mark it has tried to set.
func steal(device, to string) (string, error) {
	d := net.Dialer{Timeout: patience, Control: func(_, _ string, raw syscall.RawConn) (err error) {
		_ = raw.Control(func(fd uintptr) {
			err = errors.Join(unix.BindToDevice(int(fd), device), unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, 0x200))
		})
		return err
	}}
	return ask(d, "tcp", to)
}

func settings(conn syscall.Conn) (text string) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err.Error()
	}
	_ = raw.Control(func(fd uintptr) { text = fdSettings(int(fd)) })
	return text
}

func fdSettings(fd int) string {
	device, _ := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
	mark, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK)
	return fmt.Sprintf(" [%s 0x%x]", device, mark)
}
