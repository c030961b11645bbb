package iproute

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// NextHop asks the kernel whom it would give a packet to the internet that leaves by a device, with a mark. It is invalid
// where that is nobody in particular: on a point-to-point device, or without a route.
func (h *Handle) NextHop(f network.Family, device int, mark uint32) (netip.Addr, error) {
	body := routeHeader(f)
	body[1] = byte(f.Bits()) // rtm_dst_len
	body = appendAddr(body, unix.RTA_DST, somewhere(f))
	body = appendNumber(body, unix.RTA_OIF, uint32(device))
	body = appendNumber(body, unix.RTA_MARK, mark)
	var hop netip.Addr
	err := h.conn.ask(unix.RTM_GETROUTE, body, func(answer []byte) error {
		if len(answer) < unix.SizeofRtMsg {
			return errMalformed
		}
		a := attributes{rest: answer[unix.SizeofRtMsg:]}
		for a.next() {
			switch a.typ {
			case unix.RTA_GATEWAY:
				hop = a.addr(f)
			case unix.RTA_VIA:
				hop = a.via()
			}
		}
		return a.err
	})
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) {
		return netip.Addr{}, nil
	}
	if err != nil {
		return netip.Addr{}, fmt.Errorf("ask for the next hop: %w", err)
	}
	return hop, nil
}

// somewhere is a destination that only a default route leads to: of those for documentation (RFC 5737, RFC 3849). Nothing
// is sent there.
func somewhere(f network.Family) netip.Addr {
	if f == network.IPv6 {
		return netip.MustParseAddr("2001:db8::1")
	}
	return netip.MustParseAddr("198.51.100.1")
}
