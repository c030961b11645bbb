package machine

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// openTap makes a tap device in the network namespace of the calling thread. It is there until the last descriptor of it is
// closed, so QEMU's end is its end as well.
func openTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tap %s: %w", name, err), unix.Close(fd))
	}
	// With the header, virtio's cards pass checksums and large packets on without work.
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, errors.Join(fmt.Errorf("make tap %s: %w", name, err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), name)
	if err := raise(name); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// raise brings a device up that is to carry other people's packets only: it gets no address of its own.
func raise(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	const none = 1 // IN6_ADDR_GEN_MODE_NONE, linux/if_link.h
	// A host without IPv6 refuses this, and gives no such address either.
	_ = netlink.LinkSetIP6AddrGenMode(link, none)
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}
