package bind

import "golang.org/x/sys/unix"

// Fields of struct bpf_sockopt (linux/bpf.h).
const (
	optionSocket = 0
	optionLevel  = 24
	optionName   = 28
	optionLength = 32
)

// option is called for each setsockopt: what would change the mark or the device of an IP socket seems to succeed and does
// nothing.
func (w *writer) option() {
	w.begin()
	w.load(r2, ctx, optionLevel)
	w.jumpEqual(r2, unix.SOL_SOCKET, "socket")
	w.jump("pass")
	w.label("socket")
	w.load(r2, ctx, optionName)
	w.jumpEqual(r2, unix.SO_MARK, "ours")
	w.jumpEqual(r2, unix.SO_BINDTODEVICE, "ours")
	w.jumpEqual(r2, unix.SO_BINDTOIFINDEX, "ours")
	w.jump("pass")
	w.label("ours")
	w.loadPointer(r2, ctx, optionSocket)
	w.load(r2, r2, sockFamily)
	w.jumpEqual(r2, unix.AF_INET, "ip")
	w.jumpEqual(r2, unix.AF_INET6, "ip")
	w.label("pass")
	w.endOption(0) // the option as the program has it, be it longer than the kernel shows here
	w.label("ip")
	w.endOption(^uint32(0)) // done
}

func (w *writer) endOption(length uint32) {
	w.set(r2, length)
	w.store(ctx, optionLength, r2)
	w.allow()
}
