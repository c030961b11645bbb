// Package arch knows the routers that QEMU plays: for each processor the machine, the devices, and where kernel and programs
// come from.
package arch

import (
	"fmt"
	"slices"
	"strings"

	"ipk/target"
)

// Arch is one kind of router.
type Arch struct {
	// Name is that of the package ipk/target.
	Name string
	// Aliases are other words for it that people say.
	Aliases []string

	// Debian is Debian's name; empty where Debian has no packages for the processor, and kernel and programs are built
	// from its source packages.
	Debian string
	// Triplet is GNU's name, in the names of Debian's library folders and cross compilers.
	Triplet string
	// Kernel is the Debian package that depends on the newest kernel; empty with Debian.
	Kernel string

	// System is the program that plays it.
	System  string
	Machine string
	CPU     string
	// Console is the kernel's name of the first serial port.
	Console string
	// NICs are QEMU's models of network cards, the first for the first card and so on; the last one goes on.
	NICs []string
	// Slots are the PCI slots whose devices get an interrupt; empty: all.
	Slots []int
	// Firmware are commands of QEMU's monitor: what the board's own firmware does when it is reset, and QEMU leaves out when it
	// starts a kernel by itself.
	Firmware []string
	// Backends are the firewalls that mwan3 is run with there.
	Backends []string
	// OpenWrt is OpenWrt's name for packages that it takes.
	OpenWrt string
	// Patience is how many times longer than on this machine all waiting takes there, on a busy host.
	Patience int
}

// All returns the routers, the quickest first.
func All() []Arch {
	both := []string{"nftables", "iptables"}
	// The others have no line in the kernel's table of the board (arch/mips/pci/fixup-malta.c): their devices get interrupt 0,
	// or fail in stranger ways.
	malta := []int{18, 19, 20, 21}
	// Interrupts 10 and 11, which all PCI devices share, are there as long as one of them wants something. An interrupt
	// controller that waits for their edges loses all of them as soon as two devices do.
	levels := []string{"o /b 0x4d1 0x0c"}
	return []Arch{
		{
			Name: "amd64", Aliases: []string{"x86_64", "x86"},
			Debian: "amd64", Triplet: "x86_64-linux-gnu", Kernel: "linux-image-cloud-amd64",
			System: "qemu-system-x86_64", Machine: "q35", CPU: "qemu64", Console: "ttyS0",
			NICs: []string{"virtio-net-pci"}, Backends: both, OpenWrt: "x86_64", Patience: 3,
		}, {
			Name: "arm64", Aliases: []string{"aarch64"},
			Debian: "arm64", Triplet: "aarch64-linux-gnu", Kernel: "linux-image-cloud-arm64",
			System: "qemu-system-aarch64", Machine: "virt", CPU: "cortex-a53", Console: "ttyAMA0",
			NICs: []string{"virtio-net-pci"}, Backends: both[:1], OpenWrt: "aarch64_cortex-a53", Patience: 4,
		}, {
			Name: "arm7", Aliases: []string{"arm", "armhf", "armv7"},
			Debian: "armhf", Triplet: "arm-linux-gnueabihf", Kernel: "linux-image-armmp-lpae",
			System: "qemu-system-arm", Machine: "virt", CPU: "cortex-a7", Console: "ttyAMA0",
			NICs: []string{"virtio-net-pci"}, Backends: both[:1], OpenWrt: "arm_cortex-a7_neon-vfpv4", Patience: 5,
		}, {
			Name: "mipsle", Aliases: []string{"mipsel"},
			Debian: "mipsel", Triplet: "mipsel-linux-gnu", Kernel: "linux-image-4kc-malta",
			System: "qemu-system-mipsel", Machine: "malta", CPU: "24Kf", Console: "ttyS0",
			NICs: []string{"virtio-net-pci"}, Slots: malta, Firmware: levels, Backends: both[:1], OpenWrt: "mipsel_24kc", Patience: 6,
		}, {
			Name: "mips", Aliases: []string{"mipseb", "ath79"},
			Triplet: "mips-linux-gnu",
			System:  "qemu-system-mips", Machine: "malta", CPU: "24Kc", Console: "ttyS0",
			NICs: []string{"virtio-net-pci"}, Slots: malta, Firmware: levels, Backends: both[1:],
			OpenWrt: "mips_24kc", Patience: 6,
		},
	}
}

// Find returns the router of a name or alias. An unknown one is an error that lists what there is.
func Find(name string) (Arch, error) {
	var known []string
	for _, a := range All() {
		if a.Name == name || a.Debian == name && name != "" || slices.Contains(a.Aliases, name) {
			return a, nil
		}
		known = append(known, a.Name)
	}
	return Arch{}, fmt.Errorf("unknown architecture %q; there are %s", name, strings.Join(known, ", "))
}

// Go returns the environment, as KEY=value, that makes go build for it.
func (a Arch) Go() ([]string, error) {
	targets, err := target.Find([]string{a.Name})
	if err != nil {
		return nil, err
	}
	return targets[0].Env, nil
}

// NIC returns QEMU's model of the card with this number, from 0.
func (a Arch) NIC(number int) string { return a.NICs[min(number, len(a.NICs)-1)] }

// Address returns the place of a PCI device with this number, from 0, as options of QEMU; empty where QEMU may choose.
func (a Arch) Address(number int) string {
	if len(a.Slots) == 0 {
		return ""
	}
	// Slots have eight functions: there are more devices than slots.
	slot, function := a.Slots[number%len(a.Slots)], number/len(a.Slots)
	return fmt.Sprintf(",multifunction=on,addr=0x%x.%d", slot, function)
}

// Tools returns the programs that making and booting it takes on the host.
func (a Arch) Tools() []string {
	tools := []string{a.System, "qemu-img", "mke2fs", "depmod", "xz"}
	if a.Debian == "" {
		tools = append(tools, a.Triplet+"-gcc", "gcc", "make", "bc", "bison", "flex", "patch", "dpkg-source")
	}
	return tools
}
