package probes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Tap watches the echo requests that pass a device, and their replies. The kernel stamps each packet, so that a late reader makes
// no difference.
type Tap struct {
	file *os.File
	over sync.WaitGroup

	mu     sync.Mutex
	probes [Families][]Probe
}

// Probe is an echo request.
type Probe struct {
	Echo     Echo
	Sent     time.Time
	Answered time.Time // zero while it is not
}

// Watch begins to watch a device of the calling thread's network namespace.
func Watch(device string) (*Tap, error) {
	file, err := openTap(device)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", device, err)
	}
	t := &Tap{file: file}
	t.over.Go(t.read)
	return t, nil
}

// Close ends the watching.
func (t *Tap) Close() {
	_ = t.file.Close()
	t.over.Wait()
}

// openTap opens a packet socket that sees the device's ICMP packets in both directions, from the IP header on. It is bound
// last, so that nothing comes in unfiltered.
func openTap(device string) (*os.File, error) {
	index, err := net.InterfaceByName(device)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	filter := onlyICMP()
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index.Index}),
	)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "tap of "+device), nil
}

func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

// onlyICMP is a filter for the kernel: the connections that fail meanwhile are many, and of no interest.
func onlyICMP() []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: offset}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	return []unix.SockFilter{
		load(0),
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xf0},
		unless(4<<4, 3),
		load(9),
		unless(unix.IPPROTO_ICMP, 5),
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff},
		unless(6<<4, 3),
		load(6),
		unless(unix.IPPROTO_ICMPV6, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
}

// read notes packets until the file is closed.
func (t *Tap) read() {
	conn, err := t.file.SyscallConn()
	packet, control := make([]byte, 2048), make([]byte, 128)
	for err == nil {
		var n, controls int
		var failed error
		err = conn.Read(func(fd uintptr) bool {
			n, controls, _, _, failed = unix.Recvmsg(int(fd), packet, control, 0)
			return failed != unix.EAGAIN
		})
		if err == nil && failed == nil {
			t.note(packet[:n], stamp(control[:controls]))
		}
	}
}

// stamp returns when the kernel saw a packet. Its stamp is in wall-clock time; its age, measured at once, makes that a
// time of the monotonic clock.
func stamp(control []byte) time.Time {
	now := time.Now()
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 || len(messages[0].Data) != 16 {
		return now
	}
	seconds := binary.NativeEndian.Uint64(messages[0].Data)
	nanoseconds := binary.NativeEndian.Uint64(messages[0].Data[8:])
	return now.Add(time.Unix(int64(seconds), int64(nanoseconds)).Sub(now.Round(0)))
}

// note takes in a packet.
func (t *Tap) note(packet []byte, at time.Time) {
	family, e, ok := parseEcho(packet)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !e.Reply {
		t.probes[family] = append(t.probes[family], Probe{Echo: e, Sent: at})
		return
	}
	e.Reply = false
	for i, p := range slices.Backward(t.probes[family]) {
		if p.Echo == e && p.Answered.IsZero() {
			t.probes[family][i].Answered = at
			return
		}
	}
}

// Forget begins anew with the probes.
func (t *Tap) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.probes = [Families][]Probe{}
}

// Seen returns the probes of a family, in the order of their sending.
func (t *Tap) Seen(f Family) []Probe {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.probes[f])
}

// FirstUnanswered tells when the first probe left that nobody answers: the one after the last that was answered.
func FirstUnanswered(probes []Probe) (time.Time, bool) {
	var first time.Time
	for _, p := range slices.Backward(probes) {
		if !p.Answered.IsZero() {
			break
		}
		first = p.Sent
	}
	return first, !first.IsZero()
}
