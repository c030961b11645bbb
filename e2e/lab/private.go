package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// backstage is where the host's own directories stay reachable.
const backstage = "/run/lab"

// makePrivate gives the lab its own files wherever a router keeps any, in memory. What the host has in the same
// directories stays in sight, as symbolic links; so this works without overlayfs and in a user namespace, and what
// the lab creates there is seen by nobody else and gone with it.
func makePrivate() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("%w: make the mounts private: %v", ErrNotAllowed, err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := mountMemory("/run"); err != nil {
		return err
	}
	return errors.Join(
		shadow("/var", "run", "lock", "state"),
		shadow("/etc", "config", "hotplug.d", "mwan3.user"),
		shadow("/tmp", ".uci"),
		shadow("/dev", "log"),
		shadow("/usr/sbin"),
		shadow("/sbin"),
		furnish(),
		mountGroups(),
	)
}

// mountGroups mounts cgroups, without which mwan3 use binds nothing, where the machine has none. An ordinary user may not;
// then there are none.
func mountGroups() error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), " - cgroup2 ") {
		return err
	}
	if err := os.MkdirAll("/run/cgroup", 0o755); err != nil {
		return err
	}
	err = unix.Mount("none", "/run/cgroup", "cgroup2", 0, "")
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// furnish makes the directories that every OpenWrt router has, as far as they are missing.
func furnish() error {
	for _, dir := range []string{"/run/lock", "/run/netns", "/var/state", "/etc/config", "/etc/hotplug.d/iface"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	var faults []error
	for link, to := range map[string]string{"/var/run": "/run", "/var/lock": "/run/lock"} {
		if err := os.Symlink(to, link); !errors.Is(err, os.ErrExist) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// mountMemory mounts an empty file system in memory.
func mountMemory(dir string) error {
	if err := unix.Mount("lab", dir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount a private %s: %w", dir, err)
	}
	return nil
}

// shadow puts a file system in memory over dir and links every entry that was there, except those that the lab
// wants to make itself.
func shadow(dir string, without ...string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	original := filepath.Join(backstage, strings.ReplaceAll(dir, "/", "-"))
	if _, err := os.Stat(original); err == nil {
		return nil // /sbin and /usr/sbin may be one directory
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(original, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(dir, original, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("keep %s in sight: %w", dir, err)
	}
	if err := mountMemory(dir); err != nil {
		return err
	}
	return linkAll(entries, linked{dir, original}, without)
}

// linked is a directory and where its original entries are.
type linked struct{ dir, original string }

// linkAll links the entries into the directory. A symbolic link is copied, so that relative ones stay in the lab.
func linkAll(entries []os.DirEntry, to linked, without []string) error {
	var faults []error
	for _, entry := range entries {
		if slices.Contains(without, entry.Name()) {
			continue
		}
		target := filepath.Join(to.original, entry.Name())
		if entry.Type()&os.ModeSymlink != 0 {
			if inner, err := os.Readlink(target); err == nil {
				target = inner
			}
		}
		faults = append(faults, os.Symlink(target, filepath.Join(to.dir, entry.Name())))
	}
	return errors.Join(faults...)
}
