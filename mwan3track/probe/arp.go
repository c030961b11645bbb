package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/mdlayher/arp"
)

// ARPOptions are the options of methods arping and nping-arp. They know IPv4 only.
type ARPOptions struct {
	Count int // answers that are needed
	// Timeout is that of the whole probe, as iputils has it: requests go on, one per second, until Count are answered.
	// With Fixed it is that after the last request.
	Timeout time.Duration
	Fixed   bool // send Count requests, no more, as nping does
}

func (o ARPOptions) terms() terms {
	return terms{count: o.Count, need: o.Count, timeout: o.Timeout, repeat: !o.Fixed}
}

// ARP probes hosts on the device's own network with ARP requests.
type ARP struct {
	// Ignored, if set, hears why each packet that is no answer was ignored.
	Ignored func(Ignored)

	path    Path
	options ARPOptions
}

// NewARP makes a Prober.
func NewARP(path Path, options ARPOptions) *ARP { return &ARP{path: path, options: options} }

// Close does nothing: each probe has a socket of its own, lest the network's broadcasts keep the router busy.
func (a *ARP) Close() error { return nil }

// Probe asks who has the target's address.
func (a *ARP) Probe(ctx context.Context, target Target) Result {
	if err := a.path.check(target.Addr); err != nil {
		return dead(err)
	}
	device, err := net.InterfaceByName(a.path.Device)
	if err != nil {
		return dead(fmt.Errorf("find device %s: %w", a.path.Device, err))
	}
	source, err := sourceFor(ctx, a.path, target.Addr)
	if err != nil {
		return dead(err)
	}
	want := arpReply{target: target.Addr, source: source, hardware: device.HardwareAddr}
	request, err := want.request()
	if err != nil {
		return dead(fmt.Errorf("ask for %s on %s: %w", target.Addr, a.path.Device, err))
	}
	b, err := openARP(ctx, a.path, device.Index)
	if err != nil {
		return dead(err)
	}
	e := newExchange(b, target.terms(a.options.terms()))
	e.ignored = a.Ignored
	e.request = func(uint16) error {
		err := syscall.Sendto(b.fd, request, 0, everybody(device))
		if err != nil {
			return fmt.Errorf("ask for %s on %s: %w", target.Addr, a.path.Device, err)
		}
		return nil
	}
	e.parse = func(packet []byte) (uint16, Ignored) { return e.flight.latest(), want.parse(packet) }
	return e.probe(ctx)
}

// etherARP is ETH_P_ARP of linux/if_ether.h as packet sockets want it, in network byte order.
func etherARP() uint16 { return binary.NativeEndian.Uint16([]byte{0x08, 0x06}) }

// etherIPv4 is ETH_P_IP of linux/if_ether.h: the kind of addresses that ARP for IPv4 is about (RFC 826).
const etherIPv4 = 0x0800

// everybody is the broadcast address of an Ethernet device.
func everybody(device *net.Interface) syscall.Sockaddr {
	to := &syscall.SockaddrLinklayer{Protocol: etherARP(), Ifindex: device.Index, Halen: 6}
	copy(to.Addr[:], bytes.Repeat([]byte{0xff}, 6))
	return to
}

// openARP opens a packet socket that hears ARP on one device.
func openARP(ctx context.Context, path Path, index int) (*bound, error) {
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open ARP socket: %w", err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrLinklayer{Protocol: etherARP(), Ifindex: index}); err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("open ARP socket on %s: %w", path.Device, err)
	}
	return newBound(ctx, path, fd)
}

// sourceFor is the source that the path names or, if it names none, the one that the kernel would choose.
func sourceFor(ctx context.Context, path Path, target netip.Addr) (netip.Addr, error) {
	if path.Source.IsValid() {
		return path.Source, nil
	}
	b, err := openInet(ctx, path, syscall.SOCK_DGRAM)
	if err != nil {
		return netip.Addr{}, err
	}
	defer b.close()
	if err := b.connect(netip.AddrPortFrom(target, 1)); err != nil {
		return netip.Addr{}, err
	}
	name, err := syscall.Getsockname(b.fd)
	if own, ok := name.(*syscall.SockaddrInet4); ok {
		return netip.AddrFrom4(own.Addr), nil
	}
	return netip.Addr{}, fmt.Errorf("find source for %s on %s: %w", target, path.Device, err)
}

// arpReply is what an answer must look like.
type arpReply struct {
	target   netip.Addr
	source   netip.Addr // ours
	hardware net.HardwareAddr
}

func (want arpReply) request() ([]byte, error) {
	packet, err := arp.NewPacket(arp.OperationRequest, want.hardware, want.source, make(net.HardwareAddr, len(want.hardware)), want.target)
	if err != nil {
		return nil, err
	}
	return packet.MarshalBinary()
}

// parse returns why a packet is no answer (RFC 826). ARP has no sequence numbers.
func (want arpReply) parse(message []byte) Ignored {
	var packet arp.Packet
	if err := packet.UnmarshalBinary(message); err != nil {
		return TooShort
	}
	switch {
	case packet.Operation != arp.OperationReply, packet.ProtocolType != etherIPv4:
		return NotReply
	case packet.SenderIP != want.target:
		return OtherSource
	case packet.TargetIP != want.source, !bytes.Equal(packet.TargetHardwareAddr, want.hardware):
		return OtherTarget
	}
	return Accepted
}
