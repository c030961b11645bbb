package iproute

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"mwan3/network"
)

// Kind says what an Event is about.
type Kind uint8

// The kinds of events.
const (
	Overrun     Kind = iota // events were lost: look at everything again
	RouteChange             // a route of Family and Table
	RuleChange              // an ip rule of Family
	LinkChange              // a device
	AddrChange              // an address of Family on a device
)

// String returns the word for logs.
func (k Kind) String() string {
	names := [...]string{"overrun", "route", "rule", "link", "address"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprint(uint8(k))
}

// Event says that something changed. It is a reason to look again, not a description of what is there now.
type Event struct {
	Kind    Kind
	Gone    bool           // deleted; otherwise new or changed
	Family  network.Family // of routes, rules and addresses
	Table   int            // of routes, and of rules that look one up
	Index   int            // of the device: links, addresses, routes with one next hop; 0 otherwise
	Running bool           // of links: switched on and able to send
}

// watchBuffer is how much the kernel may queue while the reader is busy: some thousand routes. linkBuffer holds some
// hundred links, of which there are fewer.
const (
	watchBuffer = 1 << 20
	linkBuffer  = 1 << 18
)

// Watch reports changes of routes, rules, links and addresses of both families. What changes after it returned is
// reported, so who lists afterwards misses nothing. Events of equal content are not merged. A reader who is too slow
// gets an Overrun in place of what did not fit, and of what was queued before it. When ctx ends, everything that Watch
// started ends, too, and then the channel is closed. An earlier closed channel means that the kernel cut the
// connection, which happens only to a socket that is broken.
func Watch(ctx context.Context) (<-chan Event, error) {
	return watch(ctx, watchBuffer, allGroups())
}

// WatchLinks is Watch for links and addresses alone: a router with a million routes does not wake who wants only these.
func WatchLinks(ctx context.Context) (<-chan Event, error) {
	return watch(ctx, linkBuffer, linkGroups())
}

func allGroups() []uint {
	return append(linkGroups(), unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE)
}

func linkGroups() []uint {
	return []uint{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR}
}

func watch(ctx context.Context, size int, groups []uint) (<-chan Event, error) {
	w, err := newWatcher(size, groups)
	if err != nil {
		return nil, fmt.Errorf("watch the kernel's routing: %w", err)
	}
	go w.run(ctx)
	return w.events, nil
}

// watcher owns the socket; its goroutine runs until ctx ends. It waits with all others of the program, not in a thread of
// its own, which would cost memory.
type watcher struct {
	sock   *nl.NetlinkSocket
	file   *os.File // the same socket
	conn   syscall.RawConn
	events chan Event
	buf    []byte
}

func newWatcher(size int, groups []uint) (*watcher, error) {
	sock, err := nl.Subscribe(unix.NETLINK_ROUTE, groups...)
	if err != nil {
		return nil, err
	}
	enlarge(sock, size)
	fd, err := unix.FcntlInt(uintptr(sock.GetFd()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		sock.Close()
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "netlink")
	conn, err := file.SyscallConn()
	if err != nil {
		file.Close()
		sock.Close()
		return nil, err
	}
	return &watcher{sock: sock, file: file, conn: conn, events: make(chan Event), buf: make([]byte, receiveSize)}, nil
}

// run reads until ctx ends, then cleans up and closes the channel.
func (w *watcher) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = w.file.SetReadDeadline(time.Unix(1, 0)) })
	for w.read(ctx) {
	}
	stop()
	w.file.Close()
	w.sock.Close()
	close(w.events)
}

// read waits for a datagram and passes on what it says. It returns false when that was the end.
func (w *watcher) read(ctx context.Context) bool {
	var n int
	var err error
	if w.conn.Read(func(uintptr) bool {
		n, err = receiveNow(w.sock, w.buf)
		return !errors.Is(err, unix.EAGAIN)
	}) != nil {
		return false // ctx ended
	}
	switch {
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EMSGSIZE):
		w.drain(ctx)
		return w.report(ctx, Event{Kind: Overrun})
	case err != nil:
		return false
	}
	for rest := w.buf[:n]; len(rest) > 0; {
		var m message
		if m, rest, err = nextMessage(rest); err != nil {
			return w.report(ctx, Event{Kind: Overrun})
		}
		if event, ok := decodeEvent(m); ok && !w.report(ctx, event) {
			return false
		}
	}
	return true
}

// drain throws away what is queued, which the Overrun stands for. The kernel does not say again that it loses messages
// before the queue was empty once (NETLINK_S_CONGESTED of net/netlink/af_netlink.c), so an Overrun that is reported
// earlier would be the last one although more is lost behind it.
func (w *watcher) drain(ctx context.Context) {
	for ctx.Err() == nil {
		_, err := receiveNow(w.sock, w.buf)
		if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EMSGSIZE) {
			return
		}
	}
}

func (w *watcher) report(ctx context.Context, event Event) bool {
	select {
	case w.events <- event:
		return true
	case <-ctx.Done():
		return false
	}
}

// decodeEvent returns false for messages about something else: copies of routes that the kernel caches, ports of
// bridges, other families. A message that cannot be read counts as an Overrun.
func decodeEvent(m message) (Event, bool) {
	switch m.typ {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return routeEvent(m)
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		r, ok, err := decodeRule(m.body)
		if err != nil {
			return Event{Kind: Overrun}, true
		}
		return Event{Kind: RuleChange, Gone: m.typ == unix.RTM_DELRULE, Family: r.Family, Table: r.Table}, ok
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(m.body) < unix.SizeofIfInfomsg {
			return Event{Kind: Overrun}, true
		}
		return linkEvent(m), m.body[0] == unix.AF_UNSPEC
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		if len(m.body) < unix.SizeofIfAddrmsg {
			return Event{Kind: Overrun}, true
		}
		family, ok := familyOf(m.body[0])
		index := binary.NativeEndian.Uint32(m.body[4:])
		return Event{Kind: AddrChange, Gone: m.typ == unix.RTM_DELADDR, Family: family, Index: int(index)}, ok
	}
	return Event{}, false
}

func linkEvent(m message) Event {
	const usable = unix.IFF_UP | unix.IFF_RUNNING
	event := Event{Kind: LinkChange, Gone: m.typ == unix.RTM_DELLINK, Index: int(binary.NativeEndian.Uint32(m.body[4:]))}
	event.Running = !event.Gone && binary.NativeEndian.Uint32(m.body[8:])&usable == usable
	return event
}

func routeEvent(m message) (Event, bool) {
	if len(m.body) < unix.SizeofRtMsg {
		return Event{Kind: Overrun}, true
	}
	family, ok := familyOf(m.body[0])
	if binary.NativeEndian.Uint32(m.body[8:])&unix.RTM_F_CLONED != 0 {
		ok = false
	}
	event := Event{Kind: RouteChange, Gone: m.typ == unix.RTM_DELROUTE, Family: family, Table: int(m.body[4])}
	a := attributes{rest: m.body[unix.SizeofRtMsg:]}
	for a.next() {
		switch a.typ {
		case unix.RTA_TABLE:
			event.Table = int(a.number())
		case unix.RTA_OIF:
			event.Index = int(a.number())
		}
	}
	if a.err != nil {
		return Event{Kind: Overrun}, true
	}
	return event, ok
}
