package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// arpMessage is ARP for IPv4 on Ethernet (RFC 826).
type arpMessage [28]byte

// Where its parts begin: kind of address, operation, and the addresses of sender and receiver.
const (
	arpProtocol  = 2
	arpOperation = 6
	arpSender    = 8
	arpSenderIP  = 14
	arpTarget    = 18
	arpTargetIP  = 24

	arpRequest = 1
	arpReply   = 2
)

// arpLies answer a request of the router, each but the first wrongly in one respect.
func arpLies() map[string]func(arpMessage) [][]byte {
	changes := map[string]func(*arpMessage){
		"arp":                 func(*arpMessage) {},
		"arp-of-another":      func(m *arpMessage) { m[arpSenderIP+3]++ },
		"arp-to-another":      func(m *arpMessage) { m[arpTargetIP+3]++ },
		"arp-to-another-card": func(m *arpMessage) { m[arpTarget+5]++ },
		"arp-question-back":   func(m *arpMessage) { m[arpOperation+1] = arpRequest },
		"arp-of-another-kind": func(m *arpMessage) { m[arpProtocol], m[arpProtocol+1] = 0x86, 0xdd }, // IPv6
	}
	seen := 0
	lies := map[string]func(arpMessage) [][]byte{
		"arp-cut-off": func(request arpMessage) [][]byte {
			answer := request.reply()
			return [][]byte{answer[:arpTargetIP]}
		},
		"arp-every-other-twice": func(request arpMessage) [][]byte {
			if seen++; seen%2 == 1 {
				return nil
			}
			answer := request.reply()
			return [][]byte{answer[:], answer[:]}
		},
	}
	for name, change := range changes {
		lies[name] = func(request arpMessage) [][]byte {
			answer := request.reply()
			change(&answer)
			return [][]byte{answer[:]}
		}
	}
	return lies
}

// card is the hardware address of hosts that are not there.
func card() []byte { return []byte{0x02, 0, 0x5e, 0x10, 0, 0x07} }

// reply answers rightly.
func (m arpMessage) reply() arpMessage {
	answer := m
	answer[arpOperation+1] = arpReply
	copy(answer[arpSender:], card())
	copy(answer[arpSenderIP:], m[arpTargetIP:])
	copy(answer[arpTarget:], m[arpSender:arpTarget])
	return answer
}

// serveARP makes an address on a provider's own network answer ARP.
func (t *Targets) serveARP(addr netip.Addr, how behaviour) (*target, error) {
	i := slices.IndexFunc(t.world.ISPs, func(isp *ISP) bool { return isp.net4.Contains(addr) })
	if i < 0 {
		return nil, errors.New("no provider has it on its network")
	}
	responder := &arpResponder{addr: addr, lie: how.arp}
	if err := t.world.ISPs[i].Node.Do(responder.open); err != nil {
		return nil, fmt.Errorf("open ARP socket: %w", err)
	}
	go responder.run()
	return &target{behaviour: how, stop: func() { _ = responder.file.Close() }}, nil
}

// arpResponder answers for one address on one device.
type arpResponder struct {
	addr netip.Addr
	lie  func(arpMessage) [][]byte
	file *os.File
	fd   int
	to   unix.SockaddrLinklayer
}

// open opens a socket on the provider's device towards the router, in the calling thread's namespace.
func (r *arpResponder) open() error {
	device, err := net.InterfaceByName("customer")
	if err != nil {
		return err
	}
	protocol := binary.NativeEndian.Uint16([]byte{0x08, 0x06}) // ETH_P_ARP in network byte order
	r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(protocol))
	if err != nil {
		return err
	}
	r.to = unix.SockaddrLinklayer{Protocol: protocol, Ifindex: device.Index, Halen: 6}
	if err := unix.Bind(r.fd, &r.to); err != nil {
		return errors.Join(err, unix.Close(r.fd))
	}
	r.file = os.NewFile(uintptr(r.fd), "ARP")
	return nil
}

// run answers until the socket is closed.
func (r *arpResponder) run() {
	var request arpMessage
	for {
		n, err := r.file.Read(request[:])
		if err != nil {
			return
		}
		asked := netip.AddrFrom4([4]byte(request[arpTargetIP:]))
		if n < len(request) || request[arpOperation+1] != arpRequest || asked != r.addr {
			continue
		}
		copy(r.to.Addr[:], request[arpSender:arpTarget-4])
		for _, answer := range r.lie(request) {
			_ = unix.Sendto(r.fd, answer, 0, &r.to) // lost answers are silence
		}
	}
}
