package bind

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hook is a place in the kernel where a program is called for the sockets of a cgroup.
type hook struct {
	name     string
	kind     uint32 // BPF_PROG_TYPE_*
	place    uint32 // enum bpf_attach_type
	write    func(*writer)
	optional bool
}

// hooks lists all places. Those for addresses come first: create leaves to them what they can do.
func hooks() []hook {
	const address = unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR
	return []hook{
		{"connect4", address, unix.BPF_CGROUP_INET4_CONNECT, (*writer).connect4, false},
		{"connect6", address, unix.BPF_CGROUP_INET6_CONNECT, (*writer).connect6, false},
		{"sendmsg4", address, unix.BPF_CGROUP_UDP4_SENDMSG, (*writer).sendmsg4, false},
		{"sendmsg6", address, unix.BPF_CGROUP_UDP6_SENDMSG, (*writer).sendmsg6, false},
		{"bind4", address, unix.BPF_CGROUP_INET4_BIND, (*writer).listen4, false},
		{"bind6", address, unix.BPF_CGROUP_INET6_BIND, (*writer).listen6, false},
		{"setsockopt", unix.BPF_PROG_TYPE_CGROUP_SOCKOPT, unix.BPF_CGROUP_SETSOCKOPT, (*writer).option, true},
		{"create", unix.BPF_PROG_TYPE_CGROUP_SOCK, unix.BPF_CGROUP_INET_SOCK_CREATE, (*writer).create, false},
	}
}

// loaded are programs in the kernel. They stay there as long as a cgroup has them.
type loaded struct {
	hooks []hook
	fds   []int
}

// ladder lists the abilities that programs may have, from the newest kernels to the oldest.
func ladder() []abilities {
	return []abilities{{device: true, errno: true}, {device: true}, {}}
}

// load writes the programs, as able as the kernel understands them.
func load(b Binding, ladder []abilities) (loaded, error) {
	var all loaded
	tcp := true
	for _, h := range hooks() {
		w := newWriter(b, binary.NativeEndian)
		w.tcp = tcp
		fd, can, err := h.load(w, ladder)
		if err != nil && h.optional {
			continue
		}
		if err != nil {
			all.close()
			return loaded{}, lacking(h, err)
		}
		if h.kind == unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR {
			tcp = tcp && can.device
		}
		all.hooks, all.fds = append(all.hooks, h), append(all.fds, fd)
	}
	return all, nil
}

// load loads a program with as many abilities as the kernel has: it refuses one that calls what it does not know.
func (h hook) load(w *writer, ladder []abilities) (fd int, can abilities, err error) {
	for _, can = range ladder {
		w.assembler, w.can = newAssembler(w.order), can
		h.write(w)
		fd, err = loadProgram(h, w.bytes())
		if !errors.Is(err, unix.EINVAL) {
			return fd, can, err
		}
	}
	return fd, can, err
}

// loadProgram carries out BPF_PROG_LOAD. The pointers have 64 bits on every machine (union bpf_attr of linux/bpf.h).
func loadProgram(h hook, code []byte) (int, error) {
	license := []byte("Apache-2.0\x00") // none of the functions that are called wants the GPL
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&code[0])
	pinner.Pin(&license[0])
	attr := struct {
		kind, count             uint32
		code, license           uint64
		logLevel, logSize       uint32
		log                     uint64
		kernelVersion, flags    uint32
		name                    [16]byte
		device, expectedToStand uint32
	}{
		kind: h.kind, count: uint32(len(code) / 8),
		code:            uint64(uintptr(unsafe.Pointer(&code[0]))),
		license:         uint64(uintptr(unsafe.Pointer(&license[0]))),
		expectedToStand: h.place,
	}
	copy(attr.name[:15], "mwan3_"+h.name)
	for {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EAGAIN, unix.EINTR: // a signal came while it was verified
		default:
			return -1, errno
		}
	}
}

// lacking says what a kernel lacks that does not load a program.
func lacking(h hook, err error) error {
	switch {
	case errors.Is(err, unix.ENOSYS):
		err = errors.New("it has no BPF (CONFIG_BPF_SYSCALL)")
	case errors.Is(err, unix.EPERM):
		err = errors.New("only root may do that (CAP_BPF, CAP_NET_ADMIN)")
	case errors.Is(err, unix.EINVAL):
		err = errors.New("it has no BPF for cgroups (CONFIG_CGROUP_BPF), or is older than 4.18")
	default:
		err = fmt.Errorf("load program %s: %w", h.name, err)
	}
	return fmt.Errorf("this kernel cannot bind programs to a device: %w", err)
}

// attach gives the programs to a cgroup, beside those that it inherits.
func (l loaded) attach(g group) error {
	dir, err := os.Open(string(g))
	if err != nil {
		return err
	}
	defer dir.Close()
	for i, h := range l.hooks {
		attr := struct{ cgroup, program, place, flags uint32 }{
			uint32(dir.Fd()), uint32(l.fds[i]), h.place, unix.BPF_F_ALLOW_MULTI,
		}
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_ATTACH, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		if errno != 0 {
			return fmt.Errorf("attach program %s to cgroup %s: %w", h.name, g, errno)
		}
	}
	return nil
}

func (l loaded) close() {
	for _, fd := range l.fds {
		unix.Close(fd)
	}
}
