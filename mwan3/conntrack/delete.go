package conntrack

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// selective is the version of a request to delete connections that makes the kernel look at its family. Before
// Linux 5.2 no request does.
const selective = 1

// Marked selects connections by mark: those of one family whose mark under Mask is Mark.
type Marked struct {
	Family     uint8 // unix.AF_INET or unix.AF_INET6
	Mark, Mask uint32
}

// Delete makes the kernel forget the connections: the next packet of each begins a new one. The kernel makes the
// choice itself (from 4.0 on), and does not say how many there were. The error wraps ErrMissing where it cannot do it.
//
// Before Linux 6.4 connections stay that are in a flowtable (option flow_offloading of OpenWrt's firewall).
func Delete(m Marked) error {
	if err := m.check(); err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(messageType(nl.IPCTNL_MSG_CT_DELETE), unix.NLM_F_ACK)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: m.Family, Version: selective})
	for _, filter := range m.filters() {
		req.AddData(filter)
	}
	if _, err := req.Execute(unix.NETLINK_NETFILTER, 0); err != nil {
		return fmt.Errorf("delete connections with mark %#x/%#x: %w", m.Mark, m.Mask, explain(err))
	}
	return nil
}

// check refuses what would select the whole table.
func (m Marked) check() error {
	if m.Mask == 0 || m.Family == unix.AF_UNSPEC {
		return errors.New("select connections by mark: no mask, or no family")
	}
	return nil
}

// filters are the attributes that make the kernel compare marks.
func (m Marked) filters() []*nl.RtAttr {
	return []*nl.RtAttr{
		nl.NewRtAttr(nl.CTA_MARK, binary.BigEndian.AppendUint32(nil, m.Mark&m.Mask)),
		nl.NewRtAttr(attrMarkMask, binary.BigEndian.AppendUint32(nil, m.Mask)),
	}
}
