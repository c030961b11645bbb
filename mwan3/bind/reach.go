package bind

import (
	"golang.org/x/sys/unix"

	"mwan3/network"
)

// connect4 is called before a socket is connected to an IPv4 address: elsewhere goes by the device and from the source, the
// router itself is reached without.
func (w *writer) connect4() { w.reach4(w.bind4) }

// connect6 is the same for IPv6 addresses, those that stand for an IPv4 address included.
func (w *writer) connect6() { w.reach6(w.bind6) }

// sendmsg4 is called for each datagram of an unconnected UDP socket. The device is the next one's (Binding.Route).
func (w *writer) sendmsg4() { w.reach4(w.source4) }

// sendmsg6 is the same for IPv6.
func (w *writer) sendmsg6() { w.reach6(w.source6) }

func (w *writer) reach4(source func()) {
	w.begin()
	w.load(r2, ctx, addrIP4)
	w.toLoopback4(r2, "here")
	w.reach(network.IPv4, source)
	w.here()
}

func (w *writer) reach6(source func()) {
	w.begin()
	w.split6("here", "here", "four")
	w.reach(network.IPv6, source)
	w.label("four")
	w.toLoopback4(r2, "here")
	w.reach(network.IPv4, source)
	w.here()
}

// reach ends the program for an address elsewhere.
func (w *writer) reach(f network.Family, source func()) {
	if f != w.b.Family {
		w.refuse(unix.ENETUNREACH)
		return
	}
	w.deviceOn()
	if w.hasSource() {
		source()
	}
	w.allow()
}

// here ends the program for the router itself.
func (w *writer) here() {
	w.label("here")
	w.deviceOff()
	w.allow()
}

// bind4 binds the socket to the source. It does nothing to one that is bound, and does not matter if the address is gone.
// An IPv6 socket can be given an IPv4 address, but not a source.
func (w *writer) bind4() {
	w.load(r2, ctx, addrFamily)
	w.jumpEqual(r2, unix.AF_INET6, "sourced")
	w.bindTo(w.sockaddr4())
	w.label("sourced")
}

func (w *writer) bind6() { w.bindTo(w.sockaddr6()) }

func (w *writer) bindTo(address []byte) {
	w.storeBytes(r2, stackAddress, address)
	w.copy(r1, ctx)
	w.set(r3, uint32(len(address)))
	w.call(funcBind)
}

// sockaddr4 is the source as a struct sockaddr_in without a port.
func (w *writer) sockaddr4() []byte {
	b := make([]byte, unix.SizeofSockaddrInet4)
	w.order.PutUint16(b, unix.AF_INET)
	copy(b[4:], w.b.Source.AsSlice())
	return b
}

// sockaddr6 is the source as a struct sockaddr_in6 without a port; an IPv4 address is ::ffff:1.2.3.4 in it.
func (w *writer) sockaddr6() []byte {
	b := make([]byte, unix.SizeofSockaddrInet6)
	w.order.PutUint16(b, unix.AF_INET6)
	address := w.b.Source.As16()
	copy(b[8:], address[:])
	return b
}

// source4 makes the source that of a datagram from a socket that has none.
func (w *writer) source4() {
	w.load(r2, ctx, addrSource4)
	w.jumpEqual(r2, 0, "sourceless")
	w.allow()
	w.label("sourceless")
	w.storeAddress(addrSource4, w.b.Source.AsSlice())
}

func (w *writer) source6() {
	if w.b.Family == network.IPv4 {
		return // the kernel calls sendmsg4 for such datagrams
	}
	w.load(r2, ctx, addrSource6)
	for offset := int16(4); offset < 16; offset += 4 {
		w.load(r3, ctx, addrSource6+offset)
		w.or(r2, r3)
	}
	w.jumpEqual(r2, 0, "sourceless")
	w.allow()
	w.label("sourceless")
	w.storeAddress(addrSource6, w.b.Source.AsSlice())
}

// storeAddress writes an address into the context.
func (w *writer) storeAddress(offset int16, address []byte) {
	for i := 0; i < len(address); i += 4 {
		w.set(r3, w.order.Uint32(address[i:]))
		w.store(ctx, offset+int16(i), r3)
	}
}
