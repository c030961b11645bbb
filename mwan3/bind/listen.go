package bind

import (
	"golang.org/x/sys/unix"

	"mwan3/network"
)

// listen4 is called when a program binds a socket to an IPv4 address: loopback addresses stay and get no device; another
// than the source becomes the source, except broadcast and multicast. A UDP socket that asks for any address and
// any port (a resolver's) has not yet said where it sends to; connect or sendmsg see it.
func (w *writer) listen4() {
	w.begin()
	w.load(r2, ctx, addrIP4)
	w.jumpEqual(r2, 0, "any")
	w.toLoopback4(r2, "here")
	if w.b.Family == network.IPv4 {
		w.replace4(addrIP4)
	}
	w.jump("bind")
	w.endListen()
}

// listen6 is the same for IPv6. Link-local addresses stay, too.
func (w *writer) listen6() {
	w.begin()
	w.split6("any", "here", "four")
	if w.b.Family == network.IPv6 {
		w.replace6()
	}
	w.jump("bind")
	w.label("four")
	w.jumpEqual(r2, 0, "any")
	w.toLoopback4(r2, "here")
	if w.b.Family == network.IPv4 {
		w.replace4(addrIP6 + 12)
	}
	w.jump("bind")
	w.endListen()
}

// replace4 makes the IPv4 address in r2, at offset, the source.
func (w *writer) replace4(offset int16) {
	if !w.hasSource() {
		return
	}
	w.and(r2, w.word(224, 0, 0, 0))
	w.jumpEqual(r2, w.word(224, 0, 0, 0), "bind")
	w.storeAddress(offset, w.b.Source.AsSlice())
}

// replace6 makes the IPv6 address whose first word is in r2 the source.
func (w *writer) replace6() {
	if !w.hasSource() {
		return
	}
	w.copy(r3, r2)
	w.and(r3, w.word(0xff, 0, 0, 0))
	w.jumpEqual(r3, w.word(0xff, 0, 0, 0), "bind")
	w.and(r2, w.word(0xff, 0xc0, 0, 0))
	w.jumpEqual(r2, w.word(0xfe, 0x80, 0, 0), "bind")
	w.storeAddress(addrIP6, w.b.Source.AsSlice())
}

// endListen ends the program for each kind of address.
func (w *writer) endListen() {
	w.label("any")
	w.load(r2, ctx, addrProtocol)
	w.jumpEqual(r2, unix.IPPROTO_UDP, "udp")
	w.jump("bind")
	w.label("udp")
	w.load(r2, ctx, addrPort)
	w.jumpEqual(r2, 0, "here")
	w.label("bind")
	w.deviceOn()
	w.label("here")
	w.allow()
}
