// Package emulation is for tests, which also run on the processors of routers in QEMU's user emulation (make foreign). It
// leaves out those that cannot run there, and none anywhere else.
package emulation

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// Env is set, to anything, in the environment of tests that run in the emulation.
const Env = "MWAN3_EMULATED"

// On tells whether this test runs in the emulation.
func On() bool { return os.Getenv(Env) != "" }

// NeedsKernel leaves a test out that works with network namespaces, firewalls and routes: the emulation hands only a part
// of netlink on. Where it turns out to hand on all of it, there is no reason to leave anything out, and the test fails.
func NeedsKernel(t testing.TB) {
	t.Helper()
	if !On() {
		return
	}
	socket, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_NETFILTER)
	if err == nil {
		_ = syscall.Close(socket)
	}
	if !errors.Is(err, syscall.EPROTONOSUPPORT) {
		t.Fatalf("%s is set, but netlink is as the kernel has it: %v", Env, err)
	}
	t.Skip("LEFT OUT: needs the kernel's netlink, which QEMU's user emulation does not carry")
}

// StartsPrograms leaves a test out that starts a program. In the emulation that can last for ever: the new process may
// begin with a lock of the emulator's that another thread held.
func StartsPrograms(t testing.TB) {
	t.Helper()
	if On() {
		t.Skip("LEFT OUT: starts programs, in which QEMU's user emulation can hang")
	}
}
