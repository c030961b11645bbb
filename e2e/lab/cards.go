package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
)

// NameCards gives the network cards of a machine the names of the lab's devices, by their hardware addresses, and the
// settings of devices that are made in a lab.
func NameCards(names map[string]string) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list the network cards: %w", err)
	}
	missing := len(names)
	var faults []error
	for _, link := range links {
		if name := names[link.Attrs().HardwareAddr.String()]; name != "" {
			faults = append(faults, nameCard(link, name))
			missing--
		}
	}
	if missing > 0 {
		faults = append(faults, fmt.Errorf("%d of these network cards are missing: %v", missing, names))
	}
	return errors.Join(faults...)
}

// nameCard renames a card, which has to be down for that.
func nameCard(link netlink.Link, name string) error {
	err := netlink.LinkSetDown(link)
	if err == nil && link.Attrs().Name != name {
		err = netlink.LinkSetName(link, name)
	}
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", link.Attrs().Name, name, err)
	}
	for _, setting := range []string{"ipv4/conf/%s/rp_filter", "ipv6/conf/%s/accept_dad", "ipv6/conf/%s/accept_ra"} {
		path := filepath.Join("/proc/sys/net", fmt.Sprintf(setting, name))
		if err := os.WriteFile(path, []byte("0"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
