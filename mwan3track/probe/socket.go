package probe

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"mwan3/network"
)

// Socket options that package syscall does not name, with the numbers of linux/icmp.h, linux/icmpv6.h and linux/in.h.
const (
	solRaw      = 255
	icmpFilter  = 1
	icmp6Filter = 1
	ipProtoICMP = syscall.IPPROTO_ICMP
)

// openSocket opens a raw ICMP socket on a path: it hears only echo replies that come in on the path's device.
func openSocket(path Path, ttl int) (*os.File, int, error) {
	proto := ipProtoICMP
	if path.Family == network.IPv6 {
		proto = syscall.IPPROTO_ICMPV6
	}
	fd, err := syscall.Socket(domain(path.Family), syscall.SOCK_RAW|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, proto)
	if err != nil {
		return nil, 0, fmt.Errorf("open ICMP socket: %w", err)
	}
	if err := setUp(fd, path, ttl); err != nil {
		syscall.Close(fd)
		return nil, 0, fmt.Errorf("open ICMP socket on %s: %w", path.Device, err)
	}
	return os.NewFile(uintptr(fd), "icmp on "+path.Device), fd, nil
}

func domain(family network.Family) int {
	if family == network.IPv6 {
		return syscall.AF_INET6
	}
	return syscall.AF_INET
}

func setUp(fd int, path Path, ttl int) error {
	if err := filter(fd, path.Family); err != nil {
		return fmt.Errorf("filter echo replies: %w", err)
	}
	if err := setTTL(fd, path.Family, ttl); err != nil {
		return fmt.Errorf("set TTL %d: %w", ttl, err)
	}
	return bind(fd, path)
}

// bind makes a socket send and receive on a path only.
func bind(fd int, path Path) error {
	if err := syscall.SetsockoptString(fd, syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, path.Device); err != nil {
		return fmt.Errorf("bind to device: %w", err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_MARK, int(int32(path.Mark))); err != nil {
		return fmt.Errorf("set mark %#x: %w", path.Mark, err)
	}
	if !path.Source.IsValid() {
		return nil
	}
	if err := syscall.Bind(fd, sockaddr(netip.AddrPortFrom(path.Source, 0))); err != nil {
		return fmt.Errorf("use source %s: %w", path.Source, err)
	}
	return nil
}

// filter blocks all types but echo reply: a set bit blocks the type of its number.
func filter(fd int, family network.Family) error {
	if family == network.IPv4 {
		blocked := ^uint32(1 << echoReply4)
		return syscall.SetsockoptInt(fd, solRaw, icmpFilter, int(int32(blocked)))
	}
	var blocked syscall.ICMPv6Filter
	for i := range blocked.Data {
		blocked.Data[i] = ^uint32(0)
	}
	blocked.Data[echoReply6/32] &^= 1 << (echoReply6 % 32)
	return syscall.SetsockoptICMPv6Filter(fd, syscall.IPPROTO_ICMPV6, icmp6Filter, &blocked)
}

func setTTL(fd int, family network.Family, ttl int) error {
	if family == network.IPv6 {
		return syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_UNICAST_HOPS, ttl)
	}
	return syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_TTL, ttl)
}

func sockaddr(addr netip.AddrPort) syscall.Sockaddr {
	if addr.Addr().Is4() {
		return &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}
	}
	return &syscall.SockaddrInet6{Addr: addr.Addr().As16(), Port: int(addr.Port())}
}
