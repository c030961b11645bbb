package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"e2e/lab"
	"e2e/probes"
)

// How new connections are tried: one of each family in every beat, many at the same time. One that is not answered in
// time is given up, long before it would repeat its first packet.
const (
	beat     = 3 * time.Millisecond
	patience = 200 * time.Millisecond
	giveUp   = time.Minute // when nobody is answered as wanted
)

// knocker makes new TCP connections from a node to the targets and looks which provider carried them. It uses bare
// sockets on one thread: it has to be quick, and to leave the processors to what is measured.
type knocker struct {
	node *lab.Node
	last int // number of the last connection
}

// arrival is when the first connection of each family was answered as wanted.
type arrival [probes.Families]time.Time

// start knocks until a connection of each family was answered through the provider. The result comes over the channel.
func (k *knocker) start(isp string) <-chan knocked {
	done := make(chan knocked, 1)
	go func() {
		var at arrival
		err := k.node.Do(func() (err error) {
			at, err = k.until(isp)
			return err
		})
		done <- knocked{at, err}
	}()
	return done
}

// knocked is the result of knocking.
type knocked struct {
	at  arrival
	err error
}

// after returns the arrivals, all of which must have come after a moment.
func (k knocked) after(moment time.Time) (arrival, error) {
	for f, at := range k.at {
		if k.err == nil && at.Before(moment) {
			return k.at, fmt.Errorf("%s went there %v before", probes.Family(f), moment.Sub(at))
		}
	}
	return k.at, k.err
}

// until knocks on the calling thread.
func (k *knocker) until(isp string) (arrival, error) {
	d, err := newDoor()
	if err != nil {
		return arrival{}, err
	}
	defer d.close()
	var at arrival
	for end := time.Now().Add(giveUp); time.Now().Before(end); {
		begin := time.Now()
		d.expire(begin.Add(-patience))
		for f := range probes.Families {
			if at[f].IsZero() {
				k.last++
				d.knock(f, k.last)
			}
		}
		err := d.listen(begin.Add(beat), func(f probes.Family, who string, when time.Time) {
			if who == isp && at[f].IsZero() {
				at[f] = when
			}
		})
		if err != nil || !at[probes.V4].IsZero() && !at[probes.V6].IsZero() {
			return at, err
		}
	}
	return at, fmt.Errorf("no new connection went through %s in %v", isp, giveUp)
}

// door is a set of connections that wait for their answers.
type door struct {
	poll   int
	open   map[int]*visit
	order  []*visit // by begin; those that are over may be among them
	events [64]unix.EpollEvent
}

// visit is a connection.
type visit struct {
	fd     int
	family probes.Family
	begun  time.Time
	over   bool
}

func newDoor() (*door, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll set: %w", err)
	}
	return &door{poll: poll, open: map[int]*visit{}}, nil
}

func (d *door) close() {
	for _, v := range d.open {
		d.end(v)
	}
	_ = unix.Close(d.poll)
}

// target is where connection number goes. Each has a port of its own: a router may not take it for one that it knows.
func target(f probes.Family, number int) unix.Sockaddr {
	const least, ports, addrs = 1024, 60000, 100
	port, last := least+number%ports, byte(100+number/ports%addrs)
	if f == probes.V4 {
		return &unix.SockaddrInet4{Port: port, Addr: [4]byte{198, 51, 100, last}}
	}
	return &unix.SockaddrInet6{Port: port, Addr: [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x51, 15: last}}
}

// knock begins a connection. One that the router refuses at once is a failure like all others.
func (d *door) knock(f probes.Family, number int) {
	domain := [probes.Families]int{unix.AF_INET, unix.AF_INET6}[f]
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	v := &visit{fd: fd, family: f, begun: time.Now()}
	d.open[fd], d.order = v, append(d.order, v)
	abort := unix.Linger{Onoff: 1} // leaves no TIME_WAIT behind
	err = errors.Join(
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &abort),
		unix.EpollCtl(d.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}),
	)
	if err == nil {
		err = unix.Connect(fd, target(f, number))
	}
	if err != nil && err != unix.EINPROGRESS {
		d.end(v)
	}
}

// end gives a connection up.
func (d *door) end(v *visit) {
	if v.over {
		return
	}
	v.over = true
	delete(d.open, v.fd)
	_ = unix.Close(v.fd)
}

// expire gives up what was begun before a moment.
func (d *door) expire(before time.Time) {
	for len(d.order) > 0 && (d.order[0].over || d.order[0].begun.Before(before)) {
		d.end(d.order[0])
		d.order = d.order[1:]
	}
}

// listen takes answers until a moment and tells each.
func (d *door) listen(until time.Time, answered func(f probes.Family, who string, when time.Time)) error {
	for {
		left := time.Until(until)
		if left <= 0 {
			return nil
		}
		n, err := unix.EpollWait(d.poll, d.events[:], int((left+time.Millisecond-1)/time.Millisecond))
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for answers: %w", err)
		}
		now := time.Now()
		for _, event := range d.events[:max(n, 0)] {
			v := d.open[int(event.Fd)]
			if who, ok := d.hear(v); ok {
				answered(v.family, who, now)
			}
		}
	}
}

// hear reads the answer of a connection, or learns that it failed. Either way it is over.
func (d *door) hear(v *visit) (string, bool) {
	var buffer [64]byte
	n, err := unix.Read(v.fd, buffer[:])
	if err == unix.EAGAIN {
		return "", false
	}
	d.end(v)
	return strings.TrimSpace(string(buffer[:max(n, 0)])), n > 0
}
