package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"e2e/lab/labtest"
	"e2e/remote"
)

// machineRoot is where the root of the machine is mounted.
const machineRoot = "/run/machine"

// The programs under test are installed on a machine, with what else the project has for OpenWrt, and its files are its
// own: this one has the host's in an overlay, through which nothing is written.
func TestAMachineNeedsNoFilesOfTheHost(t *testing.T) {
	labtest.Build(t)
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		makeMachine(t)
		router := exec.Command("/proc/self/exe", "/channel")
		router.Path, router.Dir = "/usr/sbin/engine", "/"
		router.SysProcAttr = &syscall.SysProcAttr{Chroot: machineRoot}
		playOn(t, router, machineRoot+"/channel", remote.Job{Name: "boot-balanced", Backend: "nftables", Patience: 2})
		if _, err := os.Stat("/etc/init.d/mwan3"); err == nil {
			t.Error("the host has the machine's files")
		}
	})
}

// makeMachine mounts a file system for the machine and installs there what is tested.
func makeMachine(t *testing.T) {
	t.Helper()
	const upper, work = "/run/upper", "/run/work"
	labtest.Check(t, os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755), os.MkdirAll(machineRoot, 0o755))
	err := unix.Mount("machine", machineRoot, "overlay", 0, "lowerdir=/,upperdir="+upper+",workdir="+work)
	if errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) {
		t.Skip("no overlay of this file system: ", err)
	}
	labtest.Check(t, err)
	const install = `tar -C ../../openwrt/files -c . | tar -C "$1" --keep-directory-symlink --no-overwrite-dir -x &&
		cp "$2"/mwan3 "$2"/mwan3track "$2"/mwan3rtmon "$1"/usr/sbin/ && cp /proc/$PPID/exe "$1"/usr/sbin/engine &&
		mount -t tmpfs machine "$1"/dev && cp -aL /dev/null /dev/zero /dev/random /dev/urandom /dev/tty "$1"/dev/`
	out, err := exec.Command("sh", "-c", install, "install", machineRoot, os.Getenv(labtest.BinEnv)).CombinedOutput()
	if err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
}
