package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"sync"

	"github.com/vishvananda/netlink"

	"e2e/ubusd"
)

// Interface is one of the router's network interfaces as netifd knows them: one family of one uplink.
type Interface struct {
	Name    string // wan, wan6, wanb, wanb6, …
	Device  string // wan0, …
	V6      bool
	Address string // with its prefix length
	Gateway string
	Metric  int // 10 + number of the uplink
	Up      bool
}

// family returns 4 or 6.
func (i *Interface) family() int {
	if i.V6 {
		return 6
	}
	return 4
}

// Netifd plays the part of OpenWrt's network daemon: it configures the uplinks and, where there is ubus,
// announces it there and with hotplug-call, one event after the other. Without ubus the router is a plain Linux
// machine on which only the kernel tells what happens.
type Netifd struct {
	Interfaces []*Interface // wan first, IPv4 before IPv6

	router *Node
	busy   sync.Mutex
	bus    *ubusd.Server // nil on a plain Linux machine
}

func newNetifd(router *Node, uplinks int) *Netifd {
	d := &Netifd{router: router}
	for n := 1; n <= uplinks; n++ {
		name, device := interfaceName(n), UplinkDevice(n)
		d.Interfaces = append(d.Interfaces,
			&Interface{
				Name: name, Device: device, Metric: 10 + n,
				Address: fmt.Sprintf("10.1.%d.2/24", n), Gateway: fmt.Sprintf("10.1.%d.1", n),
			},
			&Interface{
				Name: name + "6", Device: device, V6: true, Metric: 10 + n,
				Address: fmt.Sprintf("fd00:1:%d::2/64", n), Gateway: fmt.Sprintf("fd00:1:%d::1", n),
			})
	}
	return d
}

// interfaceName names the interface of uplink number: wan, wanb … wanz, then wan27.
func interfaceName(number int) string {
	switch {
	case number == 1:
		return "wan"
	case number <= 26:
		return "wan" + string(rune('a'+number-1))
	}
	return fmt.Sprintf("wan%d", number)
}

// Interface finds an interface by its name.
func (d *Netifd) Interface(name string) (*Interface, error) {
	for _, iface := range d.Interfaces {
		if iface.Name == name {
			return iface, nil
		}
	}
	return nil, fmt.Errorf("no interface %q in the lab", name)
}

// Ifup configures an interface, and its device when it was down.
func (d *Netifd) Ifup(name string) error {
	iface, err := d.Interface(name)
	if err != nil {
		return err
	}
	d.busy.Lock()
	defer d.busy.Unlock()
	return errors.Join(d.router.Up(iface.Device), d.configure(iface), d.announce(iface))
}

// Ifdown takes an interface's address and route away; its device goes down with its last interface.
func (d *Netifd) Ifdown(name string) error {
	iface, err := d.Interface(name)
	if err != nil {
		return err
	}
	d.busy.Lock()
	defer d.busy.Unlock()
	fault := d.unconfigure(iface)
	if !d.used(iface.Device) {
		fault = errors.Join(fault, d.router.Down(iface.Device))
	}
	return errors.Join(fault, d.announce(iface))
}

// Link sets a device administratively down, or up with the configuration of its interfaces.
func (d *Netifd) Link(device string, up bool) error {
	if !up {
		return errors.Join(d.router.Down(device), d.Carrier(device, false))
	}
	fault := d.router.Up(device)
	for _, iface := range d.on(device) {
		fault = errors.Join(fault, d.Ifup(iface.Name))
	}
	return fault
}

// Carrier is what netifd does when a device loses or regains its carrier. Without netifd nothing happens.
func (d *Netifd) Carrier(device string, up bool) error {
	if d.bus == nil {
		return nil
	}
	var fault error
	for _, iface := range d.on(device) {
		d.busy.Lock()
		change := d.unconfigure
		if up {
			change = d.configure
		}
		fault = errors.Join(fault, change(iface), d.announce(iface))
		d.busy.Unlock()
	}
	return fault
}

// on lists the interfaces of a device.
func (d *Netifd) on(device string) []*Interface {
	var found []*Interface
	for _, iface := range d.Interfaces {
		if iface.Device == device {
			found = append(found, iface)
		}
	}
	return found
}

// used tells whether an interface of the device is up.
func (d *Netifd) used(device string) bool {
	for _, iface := range d.on(device) {
		if iface.Up {
			return true
		}
	}
	return false
}

func (d *Netifd) configureAll() error {
	var faults []error
	for _, iface := range d.Interfaces {
		faults = append(faults, d.router.Up(iface.Device), d.configure(iface))
	}
	return errors.Join(faults...)
}

func (d *Netifd) configure(iface *Interface) error {
	iface.Up = true
	if err := d.router.address(iface.Device, iface.Address); err != nil {
		return err
	}
	return d.router.route(iface.Device, route{via: iface.Gateway, metric: iface.Metric})
}

func (d *Netifd) unconfigure(iface *Interface) error {
	iface.Up = false
	return errors.Join(
		d.router.unroute(iface.Device, map[int]int{4: netlink.FAMILY_V4, 6: netlink.FAMILY_V6}[iface.family()]),
		d.router.unaddress(iface.Device, iface.Address),
	)
}

// Ifupdate changes nothing, but tells everybody that an address of an interface has changed.
func (d *Netifd) Ifupdate(name string) error {
	iface, err := d.Interface(name)
	if err != nil {
		return err
	}
	d.busy.Lock()
	defer d.busy.Unlock()
	d.publish(iface)
	return d.hotplug("ifupdate", iface.Name, iface.Device, "IFUPDATE_ADDRESSES=1")
}

// Readdress gives an interface another address and tells everybody, as when a provider's DHCP server does so.
func (d *Netifd) Readdress(name, prefix string) error {
	iface, err := d.Interface(name)
	if err != nil {
		return err
	}
	if _, err := netip.ParsePrefix(prefix); err != nil {
		return err
	}
	d.busy.Lock()
	fault := d.unconfigure(iface)
	iface.Address = prefix
	fault = errors.Join(fault, d.configure(iface))
	d.busy.Unlock()
	return errors.Join(fault, d.Ifupdate(name))
}

// Leave makes the router what it is while it boots: netifd has not been started, and no uplink is configured.
func (d *Netifd) Leave() error {
	d.busy.Lock()
	defer d.busy.Unlock()
	if d.bus != nil {
		d.bus.SetNetifd(false)
	}
	var fault error
	for _, iface := range d.Interfaces {
		fault = errors.Join(fault, d.unconfigure(iface), d.router.Down(iface.Device))
		d.publish(iface)
	}
	return fault
}

// Boot starts netifd, which brings up all interfaces, one after the other.
func (d *Netifd) Boot() error {
	if d.bus != nil {
		d.bus.SetNetifd(true)
	}
	fault := errors.Join(d.hotplug("ifup", "loopback", "lo"), d.hotplug("ifup", "lan", "br-lan"))
	for _, iface := range d.Interfaces {
		fault = errors.Join(fault, d.Ifup(iface.Name))
	}
	return fault
}

// announce tells ubus and the hotplug scripts the new state of an interface.
func (d *Netifd) announce(iface *Interface) error {
	if d.bus == nil {
		return nil
	}
	d.publish(iface)
	if iface.Up {
		return d.hotplug("ifup", iface.Name, iface.Device)
	}
	return d.hotplug("ifdown", iface.Name, "")
}

// hotplug runs the hotplug scripts and waits for their end. An event without a device has no variable for it.
func (d *Netifd) hotplug(action, iface, device string, more ...string) error {
	if d.bus == nil {
		return nil
	}
	env := []string{"env", "-i", "INTERFACE=" + iface, "ACTION=" + action}
	if device != "" {
		env = append(env, "DEVICE="+device)
	}
	_, err := d.router.Run("", append(append(env, more...), "/sbin/hotplug-call", "iface")...)
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return nil // netifd does not care, and neither does the last script's exit code mean anything
	}
	return err
}
