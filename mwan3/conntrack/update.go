package conntrack

import (
	"encoding/binary"
	"fmt"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// chunk is how many requests one send carries: few enough that the answers fit the socket's default buffer even if all
// of them fail. An answer quotes the request and takes about 1 KiB there.
const chunk = 64

// updater carries out an order over a socket of its own.
type updater struct {
	order
	sock *nl.NetlinkSocket
	seq  uint32
	done int   // connections on which it was carried out
	errs int   // those that the kernel refused; the rest has vanished
	err  error // the first refusal
}

// update carries out an order on the connections and returns on how many of them it could.
func update(o order, found []entry) (int, error) {
	sock, err := nl.Subscribe(unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, err
	}
	defer sock.Close()
	if err := sock.SetReceiveTimeout(&nl.SocketTimeoutTv); err != nil {
		return 0, err
	}
	u := &updater{order: o, sock: sock}
	for entries := range slices.Chunk(found, chunk) {
		if err := u.send(entries); err != nil {
			return u.done, err
		}
	}
	if u.errs > 0 {
		return u.done, fmt.Errorf("%d of %d refused, the first one: %w", u.errs, len(found), u.err)
	}
	return u.done, nil
}

// send makes the requests of a chunk. The kernel answers those that fail, and the last one.
func (u *updater) send(entries []entry) error {
	var b []byte
	for i, e := range entries {
		u.seq++
		b = u.appendRequest(b, e, u.seq, i == len(entries)-1)
	}
	if err := unix.Sendto(u.sock.GetFd(), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	u.done += len(entries)
	for {
		messages, from, err := u.sock.Receive()
		if err != nil {
			return err
		}
		for _, m := range messages {
			if from.Pid != nl.PidKernel || m.Header.Type != unix.NLMSG_ERROR {
				continue
			}
			if err := u.note(m); err != nil || m.Header.Seq == u.seq {
				return err
			}
		}
	}
}

// note counts an answer. A refusal does not end the rest.
func (u *updater) note(answer syscall.NetlinkMessage) error {
	if len(answer.Data) < 4 {
		return errMalformed
	}
	err := unix.Errno(-int32(binary.NativeEndian.Uint32(answer.Data)))
	if err == 0 {
		return nil
	}
	u.done--
	if err == unix.ENOENT {
		return nil
	}
	if u.errs++; u.errs == 1 {
		u.err = err
	}
	return nil
}
