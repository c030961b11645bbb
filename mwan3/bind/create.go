package bind

import "golang.org/x/sys/unix"

// create is called for every new socket of an IP family: it sets mark and, unless a later program does, device. Raw sockets,
// with which ping sends, go to the device whatever the address, and there are none of the other family: a
// program that tries both, as ping does, then takes the one that works. There is no multipath TCP: it would use other ways.
func (w *writer) create() {
	w.begin()
	w.load(r2, ctx, sockFamily)
	w.jumpEqual(r2, unix.AF_INET, "ip")
	w.jumpEqual(r2, unix.AF_INET6, "ip")
	w.allow()
	w.label("ip")
	w.load(r3, ctx, sockProtocol)
	w.jumpEqual(r3, unix.IPPROTO_TCP, w.first(w.tcp, "later"))
	w.jumpEqual(r3, unix.IPPROTO_UDP, w.first(w.b.Route != 0, "routed"))
	w.jumpEqual(r3, unix.IPPROTO_MPTCP, "multipath")
	w.jumpEqual(r2, kernelFamily(w.b.Family), "now")
	w.refuse(unix.EAFNOSUPPORT)
	w.label("multipath")
	w.refuse(unix.EPROTONOSUPPORT)
	w.label("now")
	w.set(r2, w.b.Index)
	w.store(ctx, sockDevice, r2)
	w.label("later")
	w.setMark(w.b.Mark)
	if w.label("routed") {
		w.setMark(w.b.Route)
	}
}

// first is where a socket goes that is bound to the device later if it can.
func (w *writer) first(can bool, label string) string {
	if can {
		return label
	}
	return "now"
}

func (w *writer) setMark(mark uint32) {
	w.set(r2, mark)
	w.store(ctx, sockMark, r2)
	w.allow()
}
