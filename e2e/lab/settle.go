package lab

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// settlePatience is how long a busy kernel may take with addresses.
const settlePatience = 20 * time.Second

// AwaitAddresses waits until a namespace takes packets to the IPv6 addresses of its running devices for its own. The kernel makes the routes
// for that a while after it has accepted the addresses, in a worker, even without duplicate address detection; until then
// such packets follow other routes.
func AwaitAddresses(kernel *netlink.Handle) error {
	var missing []netlink.Addr
	for end := time.Now().Add(settlePatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var err error
		if missing, err = notLocal(kernel); err != nil || len(missing) == 0 {
			return err
		}
	}
	return fmt.Errorf("no local route to %v after %s", missing, settlePatience)
}

// notLocal lists the addresses without a route to this machine.
func notLocal(kernel *netlink.Handle) ([]netlink.Addr, error) {
	links, err := kernel.LinkList()
	addrs, err2 := kernel.AddrList(nil, netlink.FAMILY_V6)
	local := &netlink.Route{Table: unix.RT_TABLE_LOCAL}
	routes, err3 := kernel.RouteListFiltered(netlink.FAMILY_V6, local, netlink.RT_FILTER_TABLE)
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, fmt.Errorf("list addresses and their routes: %w", err)
	}
	running := map[int]bool{}
	for _, link := range links {
		running[link.Attrs().Index] = link.Attrs().RawFlags&unix.IFF_RUNNING != 0
	}
	return slices.DeleteFunc(addrs, func(addr netlink.Addr) bool {
		return !running[addr.LinkIndex] || slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Dst != nil && r.Dst.IP.Equal(addr.IP) })
	}), nil
}
