package machine

import (
	"fmt"
	"path/filepath"
	"strconv"

	"qemu/arch"
	"qemu/image"
)

// NIC is a network card.
type NIC struct {
	// Name is what the router calls it, as its own images do; SetLink takes it, too.
	Name string
	// Tap is the name of the device at the host's end, which Start makes in the network namespace of the calling thread.
	Tap string
	// MAC is the card's address; empty: 52:54:00:00:00 and its number.
	MAC string
}

// Config is a machine.
type Config struct {
	Arch  arch.Arch
	Image image.Image
	// Memory is in MiB; 0 means 128.
	Memory int
	NICs   []NIC
	// Dir is a folder for what the machine writes: console.log and its disk. A second Start with the same folder and image
	// finds what the first one wrote to its disk, as a router does that is switched on again.
	Dir string
	// Extra is a raw image that is the second drive; empty: none.
	Extra string
	// Append is added to the kernel's command line.
	Append string
	// KVM runs the code on the host's processor instead of translating it.
	KVM bool
}

// Names of sockets below the machine's folder for them, and of devices.
const (
	controlSocket = "qmp"
	channelSocket = "lab"
	consoleSocket = "console"
	diskFile      = image.Written
	consoleFile   = "console.log"
)

// firstTap is the file descriptor that QEMU finds the first tap at.
const firstTap = 3

// args returns QEMU's arguments. It runs in the folder of sockets, whose names have to be short; dir is absolute.
func (c Config) args(dir string) []string {
	accel := "tcg"
	if c.KVM {
		accel = "kvm"
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none",
		"-machine", c.Arch.Machine, "-cpu", c.Arch.CPU, "-accel", accel, "-smp", "1", "-m", strconv.Itoa(c.memory()),
		"-chardev", "socket,id=qmp,path=" + controlSocket + ",server=on,wait=off", "-mon", "chardev=qmp,mode=control",
		"-chardev", "socket,id=console,path=" + consoleSocket + ",server=on,wait=off,logappend=on,logfile=" + filepath.Join(dir, consoleFile),
		"-serial", "chardev:console",
		"-chardev", "socket,id=lab,path=" + channelSocket + ",server=on,wait=off",
		"-object", "rng-random,id=rng,filename=/dev/urandom",
		"-drive", drive("disk", filepath.Join(dir, diskFile), "qcow2"),
	}
	if c.Extra != "" {
		args = append(args, "-drive", drive("extra", c.Extra, "raw"))
	}
	for i, nic := range c.NICs {
		args = append(args, "-netdev", fmt.Sprintf("tap,id=%s,fd=%d", nic.Name, firstTap+i))
	}
	for i, device := range c.devices() {
		args = append(args, "-device", device+c.Arch.Address(i))
		if i == 0 {
			args = append(args, "-device", "virtserialport,chardev=lab,name=lab")
		}
	}
	return append(args, c.boot()...)
}

// devices are those on the PCI bus, what serial ports are in first. The cards have no ROM of their own: nothing boots from them.
func (c Config) devices() []string {
	devices := []string{"virtio-serial-pci", "virtio-rng-pci,rng=rng", "virtio-blk-pci,drive=disk"}
	if c.Extra != "" {
		devices = append(devices, "virtio-blk-pci,drive=extra")
	}
	for i, nic := range c.NICs {
		devices = append(devices, fmt.Sprintf("%s,netdev=%s,id=nic-%s,mac=%s,romfile=", c.Arch.NIC(i), nic.Name, nic.Name, nic.address(i)))
	}
	return devices
}

func (c Config) memory() int {
	if c.Memory == 0 {
		return 128
	}
	return c.Memory
}

// drive is not flushed to the host's own disk: a machine outlives its host in no test.
func drive(id, file, format string) string {
	return fmt.Sprintf("if=none,id=%s,file=%s,format=%s,cache=unsafe", id, file, format)
}

// address returns the card's address; number counts from 0.
func (n NIC) address(number int) string {
	if n.MAC != "" {
		return n.MAC
	}
	return fmt.Sprintf("52:54:00:00:00:%02x", number+1)
}

// boot says where the kernel is; a disk that boots by itself has none.
func (c Config) boot() []string {
	if c.Image.Kernel == "" {
		return nil
	}
	line := "console=" + c.Arch.Console + " " + c.Image.Append
	for i, nic := range c.NICs {
		line += fmt.Sprintf(" lab.nic=%s/%s", nic.Name, nic.address(i))
	}
	if c.Append != "" {
		line += " " + c.Append
	}
	args := []string{"-kernel", c.Image.Kernel, "-append", line}
	if c.Image.Initrd != "" {
		args = append(args, "-initrd", c.Image.Initrd)
	}
	return args
}
