package lab

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A router that is a whole machine has nobody around its process tree: the program that plays it is init itself, or is
// started by init, and the files are the machine's own.

// EnterMachine makes this program the router of a machine, with args: it returns Inside. What an init has to do is done
// where there is none: file systems that are missing are mounted, orphans buried, and the machine ends with the router.
// Like [Enter] it must be the first call, for OpenWrt's commands are played by the same program.
func EnterMachine() error {
	beTool()
	if Inside() {
		return nil
	}
	if err := furnishMachine(); err != nil {
		return fmt.Errorf("furnish the machine: %w", err)
	}
	args := append([]string{routerName}, os.Args[1:]...)
	if os.Getpid() != 1 {
		return unix.Exec("/proc/self/exe", args, os.Environ())
	}
	router, err := os.StartProcess("/proc/self/exe", args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return fmt.Errorf("start the router: %w", err)
	}
	_, fault := bury(router.Pid)
	return errors.Join(fault, EndMachine(false))
}

// EndMachine switches the machine off, or starts it again, at once: nobody is asked to end, but files are safe.
func EndMachine(again bool) error {
	unix.Sync()
	if again {
		return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	}
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// mount is a file system that every machine has.
type mount struct{ kind, dir string }

// furnishMachine mounts what is missing, and makes the directories of a router. Those that have to be empty after a
// reboot are in memory.
func furnishMachine() error {
	if err := os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"); err != nil {
		return err
	}
	for _, m := range []mount{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"cgroup2", "/sys/fs/cgroup"}} {
		if err := m.mountIfMissing(); err != nil {
			return err
		}
	}
	if err := mountMissingMemory("/run", "/tmp"); err != nil {
		return err
	}
	return errors.Join(furnish(), mountMissingMemory("/var/run", "/var/lock", "/var/state"))
}

// mountIfMissing mounts a file system unless there is something already. A new namespace of processes has a /proc that is
// not its own.
func (m mount) mountIfMissing() error {
	entries, err := os.ReadDir(m.dir)
	if err == nil && len(entries) > 0 && (m.dir != "/proc" || os.Getpid() != 1) {
		return nil
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	err = unix.Mount(m.kind, m.dir, m.kind, 0, "")
	if err != nil && m.kind == "cgroup2" {
		return nil // a kernel without; mwan3 use says so where somebody wants it
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", m.dir, err)
	}
	return nil
}

// mountMissingMemory puts a file system in memory on each directory that is not in one.
func mountMissingMemory(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		var there unix.Statfs_t
		if err := unix.Statfs(dir, &there); err != nil {
			return fmt.Errorf("look at %s: %w", dir, err)
		}
		if kind := uint32(there.Type); kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC {
			continue
		}
		if err := mountMemory(dir); err != nil {
			return err
		}
	}
	return nil
}
