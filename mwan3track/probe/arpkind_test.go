package probe

import (
	"net"
	"testing"

	"github.com/mdlayher/arp"
)

func TestAnARPReplyAboutAddressesOfAnotherKindIsNoAnswer(t *testing.T) {
	own := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	want := arpReply{target: target4, source: source4, hardware: own}
	for _, test := range []struct {
		name     string
		protocol uint16
		want     Ignored
	}{
		{"IPv4", 0x0800, Accepted},
		{"IPv6", 0x86dd, NotReply},
		{"nothing known", 0, NotReply},
	} {
		reply := arp.Packet{HardwareType: 1, ProtocolType: test.protocol, HardwareAddrLength: 6, IPLength: 4,
			Operation: arp.OperationReply, SenderHardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2}, SenderIP: target4,
			TargetHardwareAddr: own, TargetIP: source4}
		packet, err := reply.MarshalBinary()
		must(t, err)
		if got := want.parse(packet); got != test.want {
			t.Errorf("%s: ignored as %q, want %q", test.name, got, test.want)
		}
	}
}
