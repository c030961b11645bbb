package conntrack

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// passes is how often the table is gone through at most.
const passes = 4

// Remark gives connections of both families other marks: those whose mark under mask is a key of change get its value. The
// bits outside of mask stay. It returns how many connections it changed; one that vanishes meanwhile does not count and
// is no error. The error wraps ErrMissing where the kernel cannot do it.
//
// A packet that is just on its way through the firewall can put the mark back that it found. So Remark looks again
// until there is nothing left to do, unless a value is a key itself: then once is all that it can do.
func Remark(mask uint32, change map[uint32]uint32) (int, error) {
	wanted, again := effective(mask, change)
	if len(wanted) == 0 {
		return 0, nil
	}
	total := 0
	for pass := 0; pass < passes && (pass == 0 || again); pass++ {
		found, err := find(mask, wanted)
		if err != nil {
			return total, fmt.Errorf("list connections: %w", explain(err))
		}
		if len(found) == 0 {
			break
		}
		count, err := update(remark(mask, wanted), found)
		total += count
		if err != nil {
			return total, fmt.Errorf("change the marks of connections: %w", err)
		}
	}
	return total, nil
}

// effective drops what changes nothing, and tells whether the rest can be repeated without harm.
func effective(mask uint32, change map[uint32]uint32) (wanted map[uint32]uint32, repeatable bool) {
	wanted = map[uint32]uint32{}
	for from, to := range change {
		if from&^mask == 0 && from != to&mask {
			wanted[from] = to & mask
		}
	}
	for _, to := range wanted {
		if _, isKey := wanted[to]; isKey {
			return wanted, false
		}
	}
	return wanted, true
}

// find lists the connections whose mark is to be changed.
func find(mask uint32, change map[uint32]uint32) ([]entry, error) {
	return dump(unix.AF_UNSPEC, func(e entry) bool {
		_, ok := change[e.mark&mask]
		return ok
	})
}

// dump lists those connections of a family (AF_UNSPEC: all) that are wanted. The filters are attributes with which
// the kernel makes a choice before.
func dump(family uint8, wanted func(entry) bool, filters ...*nl.RtAttr) ([]entry, error) {
	var found []entry
	var malformed error
	req := nl.NewNetlinkRequest(messageType(nl.IPCTNL_MSG_CT_GET), unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: family, Version: nl.NFNETLINK_V0})
	for _, filter := range filters {
		req.AddData(filter)
	}
	err := req.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(body []byte) bool {
		e, err := decode(body)
		if err == nil && wanted(e) {
			found = append(found, e.clone())
		}
		malformed = err
		return err == nil
	})
	if errors.Is(err, nl.ErrDumpInterrupted) {
		err = nil // connections come and go; the next look finds what this one missed
	}
	return found, errors.Join(err, malformed)
}
