package iptables

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// space is a network namespace with a thread that lives in it.
type space struct {
	handle netns.NsHandle
	work   chan func()
}

func newSpace(t *testing.T) *space {
	t.Helper()
	s := &space{work: make(chan func())}
	ready := make(chan error)
	go s.live(ready)
	if err := <-ready; err != nil {
		t.Fatal("make a network namespace: ", err)
	}
	t.Cleanup(func() {
		close(s.work)
		s.handle.Close()
	})
	return s
}

// live never unlocks its thread, which ends with the goroutine.
func (s *space) live(ready chan<- error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		s.handle, err = netns.Get()
	}
	ready <- err
	for job := range s.work {
		job()
	}
}

// do runs a function in the namespace. It must not end the test.
func (s *space) do(f func()) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// lab is a router between clients and a provider whom it reaches over wan0 and wan1. The test's own thread is in
// the router.
type lab struct {
	client, isp *space
	mu          sync.Mutex
	arrived     map[string]string // message → the provider's devices that it came in on, in order
}

const labPort = 9000

func newLab(t *testing.T) *lab {
	t.Helper()
	inNamespace(t)
	l := &lab{client: newSpace(t), isp: newSpace(t), arrived: map[string]string{}}
	for _, s := range []*space{l.client, l.isp} {
		s.do(func() { prepare(t) })
	}
	prepare(t)
	for _, cable := range []struct {
		device, peer string
		far          *space
	}{{"wan0", "isp0", l.isp}, {"wan1", "isp1", l.isp}, {"lan0", "c0", l.client}} {
		l.connect(t, cable.device, cable.peer, cable.far)
	}
	l.address(t)
	l.listen(t)
	return l
}

// prepare turns off what would drop or delay a lab's packets.
func prepare(t *testing.T) {
	for file, value := range map[string]string{
		"ipv4/ip_forward": "1", "ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0",
		"ipv6/conf/all/forwarding": "1", "ipv6/conf/default/accept_dad": "0",
	} {
		if err := os.WriteFile("/proc/sys/net/"+file, []byte(value), 0); err != nil {
			t.Error(err)
		}
	}
	command(t, "ip link set lo up")
}

func (l *lab) connect(t *testing.T, device, peer string, far *space) {
	t.Helper()
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: device}, PeerName: peer, PeerNamespace: netlink.NsFd(int(far.handle))}
	if err := netlink.LinkAdd(veth); err != nil {
		t.Fatal(err)
	}
	command(t, "ip link set "+device+" up")
	far.do(func() { command(t, "ip link set "+peer+" up") })
}

// command runs one ip command in the thread's namespace.
func command(t *testing.T, line string) {
	words := strings.Fields(line)
	cmd := exec.Command(words[0], words[1:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", line, err, out)
	}
}

func (l *lab) address(t *testing.T) {
	for _, line := range []string{
		"ip addr add 10.1.0.2/24 dev wan0", "ip addr add 10.1.1.2/24 dev wan1", "ip addr add 192.168.1.1/24 dev lan0",
		"ip addr add 2001:db8:1::2/64 dev wan0 nodad", "ip addr add 2001:db8:2::2/64 dev wan1 nodad",
		"ip addr add fd00::1/64 dev lan0 nodad",
		"ip route add default via 10.1.0.1", "ip route add default via 10.1.0.1 table 1", "ip route add default via 10.1.1.1 table 3",
		"ip rule add fwmark 0x100/0x3f00 lookup 1", "ip rule add fwmark 0x300/0x3f00 lookup 3",
		"ip -6 route add default via 2001:db8:1::1", "ip -6 route add default via 2001:db8:1::1 table 2",
		"ip -6 route add default via 2001:db8:2::1 table 4",
		"ip -6 rule add fwmark 0x200/0x3f00 lookup 2", "ip -6 rule add fwmark 0x400/0x3f00 lookup 4",
	} {
		command(t, line)
	}
	l.isp.do(func() {
		for _, line := range []string{
			"ip addr add 10.1.0.1/24 dev isp0", "ip addr add 10.1.1.1/24 dev isp1",
			"ip addr add 198.51.100.10/32 dev lo", "ip addr add 203.0.113.5/32 dev lo",
			"ip addr add 2001:db8:1::1/64 dev isp0 nodad", "ip addr add 2001:db8:2::1/64 dev isp1 nodad",
			"ip addr add 2001:db8:51::10/128 dev lo nodad",
		} {
			command(t, line)
		}
	})
	l.client.do(func() {
		command(t, "ip addr add fd00::2/64 dev c0 nodad")
		command(t, "ip -6 route add default via fd00::1")
		for host := 2; host < 60; host++ {
			command(t, fmt.Sprintf("ip addr add 192.168.1.%d/24 dev c0", host))
		}
		command(t, "ip route add default via 192.168.1.1")
	})
}

// listen notes what arrives at the provider, and on which device.
func (l *lab) listen(t *testing.T) {
	for _, device := range []string{"isp0", "isp1"} {
		config := net.ListenConfig{Control: bindTo(device)}
		var conn net.PacketConn
		var err error
		l.isp.do(func() { conn, err = config.ListenPacket(context.Background(), "udp", fmt.Sprintf(":%d", labPort)) })
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.UDPConn).SetReadBuffer(4 << 20)
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.note(conn, device)
		}()
		t.Cleanup(func() {
			conn.Close()
			<-done
		})
	}
}

func (l *lab) note(conn net.PacketConn, device string) {
	buffer := make([]byte, 100)
	for {
		size, _, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		l.arrived[string(buffer[:size])] += device
		l.mu.Unlock()
	}
}

func bindTo(device string) func(_, _ string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		control := c.Control(func(fd uintptr) {
			err = unix.SetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE, device)
		})
		if control != nil {
			return control
		}
		return err
	}
}

// send sends messages as one connection and returns the devices that they came in on. From nil sends from the router.
func (l *lab) send(t *testing.T, from *space, source string, messages ...string) []string {
	t.Helper()
	job := func() { l.transmit(t, source, messages) }
	if from == nil {
		job()
	} else {
		from.do(job)
	}
	var devices []string
	for _, message := range messages {
		devices = append(devices, l.wait(t, message))
	}
	return devices
}

func (l *lab) transmit(t *testing.T, source string, messages []string) {
	target := netip.MustParseAddrPort(fmt.Sprintf("198.51.100.10:%d", labPort))
	local, err := netip.ParseAddrPort(source)
	if err == nil && local.Addr().Is6() {
		target = netip.MustParseAddrPort(fmt.Sprintf("[2001:db8:51::10]:%d", labPort))
	}
	var from *net.UDPAddr
	if err == nil {
		from = net.UDPAddrFromAddrPort(local)
	}
	conn, err := net.DialUDP("udp", from, net.UDPAddrFromAddrPort(target))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for _, message := range messages {
		if _, err := conn.Write([]byte(message)); err != nil {
			t.Error(message, err)
		}
	}
}

// wait waits for a message to arrive and returns the device.
func (l *lab) wait(t *testing.T, message string) string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		l.mu.Lock()
		device := l.arrived[message]
		l.mu.Unlock()
		if device != "" {
			return device
		}
	}
	t.Errorf("message %q did not arrive", message)
	return ""
}
