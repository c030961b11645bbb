package lab

import (
	"errors"
	"fmt"
)

// Cables are the devices of a router with this many uplinks in a world elsewhere: it has one for the LAN.
func Cables(uplinks int) []string {
	names := []string{"lan1", "guest0"}
	for number := 1; number <= uplinks; number++ {
		names = append(names, UplinkDevice(number))
	}
	return names
}

// Attach joins the end of a cable to a device in the same namespace, such as the TAP device of a virtual machine's card.
// Both clients are on lan1. Nobody answers in between.
func (w *World) Attach(cable, device string) error {
	ends := []string{cable, device}
	if cable == "lan1" {
		ends = append(ends, "lan2")
	}
	name := "sw-" + cable
	if err := w.ends.bridge(name, ends...); err != nil {
		return fmt.Errorf("attach %s to %s: %w", device, cable, err)
	}
	var faults []error
	for _, end := range append(ends, name) {
		faults = append(faults, w.ends.Do(func() error { return sysctl("net/ipv6/conf/"+end+"/disable_ipv6", "1") }))
	}
	return errors.Join(faults...)
}
