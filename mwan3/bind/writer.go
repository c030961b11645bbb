package bind

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"mwan3/network"
)

// Functions of the kernel (linux/bpf.h).
const (
	funcSetsockopt = 49
	funcBind       = 64
	funcSetRetval  = 187
)

// nameSize is the size of a device's name with its end (IFNAMSIZ).
const nameSize = 16

// Where things are on a program's stack.
const (
	stackName    = -nameSize
	stackAddress = stackName - unix.SizeofSockaddrInet6 - 4 // aligned to eight bytes
)

// Fields of struct bpf_sock, by their offsets (linux/bpf.h).
const (
	sockDevice   = 0
	sockFamily   = 4
	sockProtocol = 12
	sockMark     = 16
)

// Fields of struct bpf_sock_addr. Addresses and port are in network order.
const (
	addrIP4      = 4
	addrIP6      = 8
	addrPort     = 24
	addrFamily   = 28 // of the socket
	addrProtocol = 36
	addrSource4  = 40 // of a datagram
	addrSource6  = 44
	addrSocket   = 64
)

// abilities are what programs of a kind can do in kernels that are new enough.
type abilities struct {
	device bool // bind sockets to a device: connect since Linux 5.8, bind 5.11, sendmsg 5.12
	errno  bool // say why they refuse, since 6.1; else it is EPERM
}

// writer writes one program.
type writer struct {
	*assembler
	b   Binding
	can abilities
	tcp bool // whether TCP sockets are bound to the device by the programs for connect and bind
}

func newWriter(b Binding, order binary.ByteOrder) *writer {
	return &writer{assembler: newAssembler(order), b: b}
}

// begin keeps the context.
func (w *writer) begin() { w.copy(ctx, r1) }

// word is 32 bits of an address as a program has them in a register.
func (w *writer) word(a, b, c, d byte) uint32 { return w.order.Uint32([]byte{a, b, c, d}) }

// allow ends the program: go on.
func (w *writer) allow() { w.finish(1) }

// refuse ends the program: the call fails.
func (w *writer) refuse(errno unix.Errno) {
	if w.can.errno {
		w.set(r1, -uint32(errno))
		w.call(funcSetRetval)
	}
	w.finish(0)
}

// deviceOn binds the socket of a bpf_sock_addr to the device, if it is not yet: this must not happen to every datagram. If
// it fails, the program's call fails.
func (w *writer) deviceOn() {
	if !w.can.device {
		return
	}
	w.device()
	w.jumpEqual(r1, w.b.Index, "bound")
	w.setDevice(w.b.Device)
	w.jumpEqual(r0, 0, "bound")
	w.refuse(unix.ENODEV)
	w.label("bound")
}

// deviceOff takes the device away again. A process without CAP_NET_RAW cannot.
func (w *writer) deviceOff() {
	if !w.can.device {
		return
	}
	w.device()
	w.jumpEqual(r1, 0, "free")
	w.setDevice("")
	w.label("free")
}

// device loads the index of the socket's device into r1.
func (w *writer) device() {
	w.loadPointer(r1, ctx, addrSocket)
	w.load(r1, r1, sockDevice)
}

func (w *writer) setDevice(name string) {
	var field [nameSize]byte
	copy(field[:], name)
	w.storeBytes(r4, stackName, field[:])
	w.copy(r1, ctx)
	w.set(r2, unix.SOL_SOCKET)
	w.set(r3, unix.SO_BINDTODEVICE)
	w.set(r5, nameSize)
	w.call(funcSetsockopt)
}

// hasSource tells whether there is an address that sockets can be bound to.
func (w *writer) hasSource() bool {
	return !w.b.Source.IsUnspecified() && !w.b.Source.IsLinkLocalUnicast()
}

// toLoopback4 jumps if the register has an IPv4 address that leads to the router itself. It destroys r0 and r3.
func (w *writer) toLoopback4(r register, label string) {
	w.jumpEqual(r, 0, label)
	w.copy(r3, r)
	w.and(r3, w.word(255, 0, 0, 0))
	w.jumpEqual(r3, w.word(127, 0, 0, 0), label)
}

// split6 loads the context's IPv6 address and jumps to the label for its kind: unspecified, loopback, or IPv4 in
// IPv6 (::ffff:1.2.3.4), which leaves the IPv4 address in r2. Any other kind goes on, with the first word in r2.
func (w *writer) split6(unspecified, loopback, four string) {
	w.load(r2, ctx, addrIP6)
	w.load(r3, ctx, addrIP6+4)
	w.copy(r4, r2)
	w.or(r4, r3)
	w.jumpEqual(r4, 0, "short")
	w.jump("long")
	w.label("short")
	w.load(r3, ctx, addrIP6+8)
	w.load(r2, ctx, addrIP6+12)
	w.jumpEqual(r3, w.word(0, 0, 0xff, 0xff), four)
	w.jumpEqual(r3, 0, "low")
	w.jump("odd")
	w.label("low")
	w.jumpEqual(r2, 0, unspecified)
	w.jumpEqual(r2, w.word(0, 0, 0, 1), loopback)
	w.label("odd")
	w.set(r2, 0)
	w.label("long")
}

// kernelFamily returns the AF_ number.
func kernelFamily(f network.Family) uint32 {
	if f == network.IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}
