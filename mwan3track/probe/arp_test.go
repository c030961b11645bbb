package probe

import (
	"bytes"
	"context"
	"net"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/vishvananda/netlink"
)

// answerARP makes test code answer ARP on the other side instead of the kernel, which answers with all its addresses.
func (s *street) answerARP(answer func(request arp.Packet) [][]byte) {
	s.t.Helper()
	s.beyond(func() {
		must(s.t, netlink.LinkSetARPOff(s.far))
		b, err := openARP(context.Background(), Path{Device: "far0"}, s.far.Attrs().Index)
		must(s.t, err)
		s.t.Cleanup(b.close)
		go s.runARP(b, answer)
	})
}

func (s *street) runARP(b *bound, answer func(request arp.Packet) [][]byte) {
	to := &syscall.SockaddrLinklayer{Protocol: etherARP(), Ifindex: s.far.Attrs().Index, Halen: 6}
	copy(to.Addr[:], s.near.Attrs().HardwareAddr)
	buffer := make([]byte, 100)
	for {
		n, err := b.file.Read(buffer)
		if err != nil {
			return
		}
		var request arp.Packet
		if request.UnmarshalBinary(buffer[:n]) != nil || request.Operation != arp.OperationRequest || request.TargetIP != target4 {
			continue
		}
		for _, packet := range answer(request) {
			_ = syscall.Sendto(b.fd, packet, 0, to)
		}
	}
}

// replyARP answers a request, after edit.
func (s *street) replyARP(request arp.Packet, edit func(*arp.Packet)) []byte {
	reply := arp.Packet{HardwareType: 1, ProtocolType: request.ProtocolType, HardwareAddrLength: 6, IPLength: 4,
		Operation: arp.OperationReply, SenderHardwareAddr: s.far.Attrs().HardwareAddr, SenderIP: request.TargetIP,
		TargetHardwareAddr: request.SenderHardwareAddr, TargetIP: request.SenderIP}
	edit(&reply)
	packet, _ := reply.MarshalBinary()
	return packet
}

func TestHostsAnswerARP(t *testing.T) {
	newStreet(t)
	for _, fixed := range []bool{false, true} {
		for _, path := range []Path{families[0].path, {Device: "up0"}} {
			options := ARPOptions{Count: 2, Timeout: long, Fixed: fixed}
			result := NewARP(path, options).Probe(context.Background(), families[0].target)
			if !result.OK || result.Latency <= 0 || result.Loss != 0 || result.Err != nil {
				t.Errorf("fixed %t, source %s: %+v", fixed, path.Source, result)
			}
		}
	}
}

func TestOnlyARPRepliesOfTheTargetToUsCount(t *testing.T) {
	s := newStreet(t)
	var mu sync.Mutex
	var edit func(*arp.Packet)
	size := 28
	s.answerARP(func(request arp.Packet) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		if edit == nil {
			return nil
		}
		return [][]byte{s.replyARP(request, edit)[:size]}
	})
	for _, test := range []struct {
		name string
		edit func(*arp.Packet)
		size int
		want []Ignored // nil: none came
	}{
		{"another host", func(p *arp.Packet) { p.SenderIP = other4 }, 28, []Ignored{OtherSource}},
		{"to another host", func(p *arp.Packet) { p.TargetIP = other4 }, 28, []Ignored{OtherTarget}},
		{"to another card", func(p *arp.Packet) { p.TargetHardwareAddr = net.HardwareAddr{2, 0, 0, 0, 0, 1} }, 28, []Ignored{OtherTarget}},
		{"a question", func(p *arp.Packet) { p.Operation = arp.OperationRequest }, 28, []Ignored{NotReply}},
		{"truncated", func(*arp.Packet) {}, 20, []Ignored{TooShort}},
		{"silence", nil, 28, nil},
	} {
		mu.Lock()
		edit, size = test.edit, test.size
		mu.Unlock()
		for _, fixed := range []bool{false, true} {
			var ignored []Ignored
			a := NewARP(families[0].path, ARPOptions{Count: 1, Timeout: short, Fixed: fixed})
			a.Ignored = func(reason Ignored) { ignored = append(ignored, reason) }
			result := a.Probe(context.Background(), families[0].target)
			if result != (Result{Loss: 100}) || !reflect.DeepEqual(ignored, test.want) {
				t.Errorf("%s, fixed %t: %+v, ignored %q, want %q", test.name, fixed, result, ignored, test.want)
			}
		}
	}
}

func TestARPingRepeatsWhatIsLostAndNpingDoesNot(t *testing.T) {
	s := newStreet(t)
	requests := 0
	s.answerARP(func(request arp.Packet) [][]byte {
		reply := s.replyARP(request, func(*arp.Packet) {})
		if requests++; requests%2 == 0 {
			return [][]byte{reply, reply} // the second is a duplicate and counts for nothing
		}
		return nil
	})
	repeated := NewARP(families[0].path, ARPOptions{Count: 1, Timeout: long}).Probe(context.Background(), families[0].target)
	if !repeated.OK || repeated.Loss != 50 || requests != 2 {
		t.Errorf("%+v after %d requests", repeated, requests)
	}
	fixed := NewARP(families[0].path, ARPOptions{Count: 2, Timeout: short, Fixed: true}).Probe(context.Background(), families[0].target)
	if fixed.OK || fixed.Loss != 50 {
		t.Errorf("%+v", fixed)
	}
}

func TestDevicesWithoutHardwareAddressesKnowNoARP(t *testing.T) {
	newLab(t)
	result := NewARP(families[0].path, ARPOptions{Count: 1, Timeout: time.Second}).Probe(context.Background(), families[0].target)
	if want := "ask for 192.0.2.7 on up0: invalid hardware address"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("%+v, want %s", result, want)
	}
}

func FuzzOnlyARPRepliesToUsPass(f *testing.F) {
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	want := arpReply{target: target4, source: source4, hardware: own}
	request, err := want.request()
	must(f, err)
	f.Add(request)
	f.Add([]byte{0, 1, 8, 0, 255, 255, 0, 2})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if want.parse(packet) != Accepted {
			return
		}
		if !bytes.Contains(packet, target4.AsSlice()) || !bytes.Contains(packet, own) || !bytes.Contains(packet, source4.AsSlice()) {
			t.Errorf("% x was accepted", packet)
		}
	})
}
