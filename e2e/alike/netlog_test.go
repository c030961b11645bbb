package alike

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// logGroup is the number of the netlink log that the observer writes. The kernel hands over this many entries at once.
const logGroup, logBatch = 7, 40

// The netlink log's messages and attributes (linux/netfilter/nfnetlink_log.h).
const (
	logSubsystem = 4 << 8 // NFNL_SUBSYS_ULOG
	logPacket    = logSubsystem | 0
	logConfig    = logSubsystem | 1

	configCommand, commandBind   = 1, 1
	configMode, modeCopyPacket   = 2, 2
	noteMark, noteOut            = 2, 5
	notePayload, notePrefix      = 9, 10
	nestedOrByteOrder            = 0xc000
	netlinkHeader, familyHeader  = 16, 4
	payloadLimit, receiveBuffers = 256, 64 << 20
	configBuffer                 = 3
)

// note is one entry of the log.
type note struct {
	prefix string
	mark   uint32
	out    int // index of the device, 0 = not yet known
	packet []byte
}

// netlog reads a netlink log of the network namespace.
type netlog struct {
	t      *testing.T
	socket int
	buffer []byte
	rest   []byte // of the last datagram
}

func openLog(t *testing.T) *netlog {
	t.Helper()
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		t.Fatal("open the netlink log: ", err)
	}
	t.Cleanup(func() { unix.Close(socket) })
	l := &netlog{t: t, socket: socket, buffer: make([]byte, 1<<16)}
	if unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffers) != nil {
		_ = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffers) // as much as one gets
	}
	patience := unix.Timeval{Sec: 20}
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		t.Fatal(err)
	}
	l.configure(configCommand, []byte{commandBind})
	mode := binary.BigEndian.AppendUint32(nil, payloadLimit)
	l.configure(configMode, append(mode, modeCopyPacket, 0))
	l.configure(configBuffer, binary.BigEndian.AppendUint32(nil, uint32(len(l.buffer)/2)))
	return l
}

// configure sends one attribute of the log's configuration. A refusal shows when nothing arrives.
func (l *netlog) configure(kind uint16, value []byte) {
	l.t.Helper()
	size := netlinkHeader + familyHeader + 4 + len(value)
	message := make([]byte, (size+3)&^3)
	binary.NativeEndian.PutUint32(message[0:], uint32(size))
	binary.NativeEndian.PutUint16(message[4:], logConfig)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST)
	binary.BigEndian.PutUint16(message[18:], logGroup)
	binary.NativeEndian.PutUint16(message[20:], uint16(4+len(value)))
	binary.NativeEndian.PutUint16(message[22:], kind)
	copy(message[24:], value)
	if err := unix.Sendto(l.socket, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		l.t.Fatal("configure the netlink log: ", err)
	}
}

// next waits for the next entry.
func (l *netlog) next() note {
	l.t.Helper()
	for {
		if len(l.rest) < netlinkHeader+familyHeader {
			n, _, err := unix.Recvfrom(l.socket, l.buffer, 0)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				l.t.Fatal("read the netlink log: ", err)
			}
			l.rest = l.buffer[:n]
		}
		size := int(binary.NativeEndian.Uint32(l.rest))
		kind := binary.NativeEndian.Uint16(l.rest[4:])
		message := l.rest[netlinkHeader+familyHeader : size]
		l.rest = l.rest[min((size+3)&^3, len(l.rest)):]
		if kind == logPacket {
			return parseNote(message)
		}
	}
}

func parseNote(message []byte) note {
	var n note
	for len(message) >= 4 {
		size := int(binary.NativeEndian.Uint16(message))
		value := message[4:size]
		switch binary.NativeEndian.Uint16(message[2:]) &^ nestedOrByteOrder {
		case noteMark:
			n.mark = binary.BigEndian.Uint32(value)
		case noteOut:
			n.out = int(binary.BigEndian.Uint32(value))
		case notePayload:
			n.packet = value
		case notePrefix:
			n.prefix = unix.ByteSliceToString(value)
		}
		message = message[min((size+3)&^3, len(message)):]
	}
	return n
}
