package lab

import (
	"errors"
	"fmt"
	"net/netip"
)

// ISP is a provider: the machine between one uplink of the router and the internet. Its port towards the router is
// called customer.
type ISP struct {
	Node       *Node
	Number     int // 1 for isp1
	net4, net6 netip.Prefix
	world      *World
}

// newISP makes provider number and wires it to the router's device wan<number-1> and to the internet.
func (w *World) newISP(number int) (*ISP, error) {
	node, err := newNode(fmt.Sprintf("isp%d", number))
	if err != nil {
		return nil, err
	}
	isp := &ISP{
		Node:   node,
		Number: number,
		net4:   netip.MustParsePrefix(fmt.Sprintf("10.1.%d.0/24", number)),
		net6:   netip.MustParsePrefix(fmt.Sprintf("fd00:1:%d::/64", number)),
		world:  w,
	}
	return isp, errors.Join(
		wire(port{w.ends, isp.device()}, port{node, "customer"}),
		wire(port{node, "core"}, port{w.Internet, node.Name}),
		isp.addresses(w.Internet),
		isp.Heal(),
	)
}

// device is the router's device of the provider.
func (i *ISP) device() string { return UplinkDevice(i.Number) }

// UplinkDevice is the router's device of provider number.
func UplinkDevice(number int) string { return fmt.Sprintf("wan%d", number-1) }

func (i *ISP) addresses(internet *Node) error {
	n := i.Number
	core4, core6 := fmt.Sprintf("10.2.%d.2", n), fmt.Sprintf("fd00:2:%d::2", n)
	return errors.Join(
		host(i.Node, "customer", fmt.Sprintf("10.1.%d.1/24", n), fmt.Sprintf("fd00:1:%d::1/64", n)),
		host(i.Node, "core", core4+"/24", core6+"/64"),
		host(internet, i.Node.Name, fmt.Sprintf("10.2.%d.1/24", n), fmt.Sprintf("fd00:2:%d::1/64", n)),
		i.Node.route("core", route{via: fmt.Sprintf("10.2.%d.1", n)}),
		i.Node.route("core", route{via: fmt.Sprintf("fd00:2:%d::1", n)}),
		internet.route(i.Node.Name, route{to: i.net4.String(), via: core4}),
		internet.route(i.Node.Name, route{to: i.net6.String(), via: core6}),
	)
}

// Drop makes the provider swallow all that it should forward, both ways and without a word. Its gateway goes on
// answering and the cable stays plugged in: the fault that only a tracker notices.
func (i *ISP) Drop() error { return i.Lose(100) }

// Heal ends Drop and Lose.
func (i *ISP) Heal() error { return i.Lose(0) }

// Lose makes the provider lose percent of the packets that it forwards, 0…100, at random.
func (i *ISP) Lose(percent int) error {
	loss := ""
	if percent > 0 {
		loss = fmt.Sprintf("numgen random mod 100 <= %d drop", percent-1)
	}
	_, err := i.Node.Run(fmt.Sprintf(`table inet provider
delete table inet provider
table inet provider {
	chain forward {
		type filter hook forward priority 0
		iifname "customer" ip saddr != %s drop
		iifname "customer" ip6 saddr != %s drop
		%s
	}
}`, i.net4, i.net6, loss), "nft", "-f", "-")
	return err
}

// CarrierOff unplugs the router's cable at the provider's end. A netifd has to be told: see [Netifd.Carrier].
func (i *ISP) CarrierOff() error { return errors.Join(i.Node.Down("customer"), i.plug(false)) }

// CarrierOn plugs the cable in again.
func (i *ISP) CarrierOn() error { return errors.Join(i.plugIn(), i.plug(true)) }

func (i *ISP) plug(plugged bool) error {
	if i.world.Plug == nil {
		return nil
	}
	return i.world.Plug(i.device(), plugged)
}

// plugIn sets the provider's port up and gives it back what the kernel takes from a port that goes down.
func (i *ISP) plugIn() error {
	return errors.Join(
		i.Node.Up("customer"),
		host(i.Node, "customer", fmt.Sprintf("fd00:1:%d::1/64", i.Number)),
	)
}
