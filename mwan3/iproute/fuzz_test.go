package iproute

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// known is a device list for decoders.
func known() devices {
	return devices{names: map[uint32]string{1: "lo", 2: "wan0", 3: "wan1"},
		indexes: map[string]uint32{"lo": 1, "wan0": 2, "wan1": 3}}
}

// FuzzRoute checks that a message that can be read is the same route after being written and read again.
func FuzzRoute(f *testing.F) {
	for _, r := range shapes() {
		f.Add(known().appendRoute(nil, unix.RTM_NEWROUTE, 0, &r)[unix.SizeofNlMsghdr:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d := routeDecoder{devices: known()}
		r, ok, err := d.decode(body)
		if !ok || err != nil || d.unknown {
			return
		}
		again, ok, err := d.decode(known().appendRoute(nil, unix.RTM_NEWROUTE, 0, &r)[unix.SizeofNlMsghdr:])
		if !ok || err != nil || !again.Equal(r) {
			t.Errorf("%+v\nbecomes %+v, %v, %v", r, again, ok, err)
		}
	})
}

// FuzzRule checks the same for rules of ours.
func FuzzRule(f *testing.F) {
	for _, r := range []network.Rule{
		{Priority: 1001, InDevice: "wan0", Table: 1},
		{Family: network.IPv6, Priority: 2001, Mark: 0x100, Mask: 0x3f00, Action: network.Unreachable},
	} {
		f.Add(appendRule(nil, unix.RTM_NEWRULE, 0, r)[unix.SizeofNlMsghdr:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, ok, err := decodeRule(body)
		if !ok || err != nil || r.Other != "" {
			return
		}
		again, ok, err := decodeRule(appendRule(nil, unix.RTM_NEWRULE, 0, r)[unix.SizeofNlMsghdr:])
		if !ok || err != nil || again != r {
			t.Errorf("%+v\nbecomes %+v, %v, %v", r, again, ok, err)
		}
	})
}

// FuzzDatagram reads anything as everything.
func FuzzDatagram(f *testing.F) {
	for _, typ := range []uint16{unix.RTM_NEWLINK, unix.RTM_NEWADDR, unix.RTM_DELRULE, unix.NLMSG_ERROR, unix.NLMSG_DONE} {
		b := append(appendHeader(nil, typ, unix.NLM_F_ACK_TLVS), make([]byte, 32)...)
		b = appendAttr(b, unix.NLMSGERR_ATTR_MSG, []byte("no"))
		finish(b, 0, 1)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		for len(datagram) > 0 {
			m, rest, err := nextMessage(datagram)
			if err != nil {
				return
			}
			decodeEvent(m)
			decodeLink(m.body)
			decodeAddr(m.body)
			usesIPv6(m.body)
			answerError(m)
			datagram = rest
		}
	})
}

func TestTheKernelsExplanationIsFoundBehindACopyOfTheRequest(t *testing.T) {
	text := appendAttr(nil, unix.NLMSGERR_ATTR_MSG, []byte("Nexthop has invalid gateway.\x00"))
	request := appendHeader(nil, unix.RTM_NEWROUTE, 0)
	request = append(request, 1, 2, 3, 4)
	finish(request, 0, 9)
	errno := binary.NativeEndian.AppendUint32(nil, ^uint32(unix.ENETUNREACH)+1)
	full := append(append(append([]byte(nil), errno...), request...), text...)
	capped := append(append(append([]byte(nil), errno...), request[:unix.SizeofNlMsghdr]...), text...)
	for flags, body := range map[uint16][]byte{
		unix.NLM_F_ACK_TLVS:                     full,
		unix.NLM_F_ACK_TLVS | unix.NLM_F_CAPPED: capped,
	} {
		expectError(t, answerError(message{typ: unix.NLMSG_ERROR, flags: flags, body: body}),
			"network is unreachable (Nexthop has invalid gateway.)")
	}
}
