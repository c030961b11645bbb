package lab

import (
	"net/netip"
	"time"

	"e2e/ubusd"
)

// ubusSocket is where OpenWrt's ubusd listens.
const ubusSocket = "/var/run/ubus/ubus.sock"

// startBus starts ubus with the router's interfaces on it.
func (d *Netifd) startBus() error {
	bus, err := ubusd.Start(ubusSocket)
	if err != nil {
		return err
	}
	d.bus = bus
	bus.SetInterface("loopback", lan("lo", "127.0.0.1/8"))
	bus.SetInterface("lan", lan("br-lan", "192.168.1.1/24", "fd00:ee::1/64"))
	bus.SetInterface("guest", lan("guest0", "192.168.2.1/24", "fd00:ee:2::1/64"))
	for _, iface := range d.Interfaces {
		d.publish(iface)
	}
	return nil
}

// startRpcd publishes the objects of the router's rpcd and its plugins.
func (d *Netifd) startRpcd() error {
	d.bus.StartRpcd("/usr/libexec/rpcd", "/usr/share/rpcd/ucode")
	return nil
}

// lan is an interface that is always up.
func lan(device string, prefixes ...string) ubusd.Interface {
	iface := ubusd.Interface{Up: true, Device: device, Uptime: time.Second}
	for _, prefix := range prefixes {
		iface.Addrs = append(iface.Addrs, netip.MustParsePrefix(prefix))
	}
	return iface
}

// publish makes the state of an interface known over ubus.
func (d *Netifd) publish(iface *Interface) {
	if d.bus == nil {
		return
	}
	state := ubusd.Interface{Up: iface.Up, Device: iface.Device, Metric: iface.Metric}
	if iface.Up {
		everything := netip.MustParsePrefix("0.0.0.0/0")
		if iface.V6 {
			everything = netip.MustParsePrefix("::/0")
		}
		state.Addrs = []netip.Prefix{netip.MustParsePrefix(iface.Address)}
		state.Routes = []ubusd.Route{{
			Target: everything, Nexthop: netip.MustParseAddr(iface.Gateway), Metric: iface.Metric,
		}}
	}
	d.bus.SetInterface(iface.Name, state)
}
