// Package conntrack is the kernel's connection table: it flushes it, and gives living connections other marks. It acts
// on the network namespace of the calling thread.
package conntrack

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// file is where OpenWrt's kernels (a patch of theirs) flush the whole table when "f" is written to it. Through /proc/net
// it would be the table of the process's first thread.
const file = "/proc/thread-self/net/nf_conntrack"

// ErrMissing says that the kernel cannot show or change its connections.
var ErrMissing = errors.New("the kernel lacks nf_conntrack_netlink (OpenWrt: package kmod-nf-conntrack-netlink)")

// Flush empties the whole table: through OpenWrt's file, else over netlink.
func Flush() error {
	if flushByFile() == nil {
		return nil
	}
	req := nl.NewNetlinkRequest(messageType(nl.IPCTNL_MSG_CT_DELETE), unix.NLM_F_ACK)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC, Version: nl.NFNETLINK_V0})
	if _, err := req.Execute(unix.NETLINK_NETFILTER, 0); err != nil {
		return fmt.Errorf("flush the connection table: %w", explain(err))
	}
	return nil
}

func flushByFile() error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("f")
	return errors.Join(err, f.Close())
}

// messageType is the netlink type of a request to the connection table (linux/netfilter/nfnetlink.h).
func messageType(command int) int { return unix.NFNL_SUBSYS_CTNETLINK<<8 | command }

// explain names the module when an error means that it is missing: without nfnetlink there is no such socket; nfnetlink
// itself refuses the requests of a subsystem that it does not know (nfnetlink_rcv_msg of net/netfilter/nfnetlink.c).
func explain(err error) error {
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return err
}
