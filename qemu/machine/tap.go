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

// Attach connects a tap to another device in the network namespace of the calling thread: with a bridge by joining it,
// with anything else (one end of a veth pair) by a new bridge, br-TAP, over both. The namespace's end removes that bridge.
func Attach(tap, device string) error {
	other, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("attach %s to %s: %w", tap, device, err)
	}
	if other.Type() == "bridge" {
		return enslave(tap, device)
	}
	name := "br-" + tap
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: name}}); err != nil {
		return fmt.Errorf("add bridge %s: %w", name, err)
	}
	return errors.Join(enslave(tap, name), enslave(device, name), raise(device), raise(name))
}

func enslave(device, bridge string) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	master, err := netlink.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("%s: %w", bridge, err)
	}
	if err := netlink.LinkSetMaster(link, master); err != nil {
		return fmt.Errorf("add %s to bridge %s: %w", device, bridge, err)
	}
	return nil
}
