package bind

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// prefix begins the names of our cgroups.
const prefix = "mwan3-use-"

// group is the directory of a cgroup of ours.
type group string

// findParent finds the cgroup to make ours in: the process's own, so that limits and service managers go on counting it in.
func findParent() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", noGroups(err)
	}
	for _, dir := range candidates(string(mounts), string(own)) {
		if _, err := os.Stat(path.Join(dir, "cgroup.procs")); err == nil { // else another mount hides it
			return dir, nil
		}
	}
	filesystems, err := os.ReadFile("/proc/filesystems")
	if err == nil && !strings.Contains(string(filesystems), "\tcgroup2\n") {
		return "", noGroups(errors.New("there is no cgroup2 in /proc/filesystems"))
	}
	return "", errors.New("no cgroup2 file system is mounted, programs cannot be bound to a device without; " +
		"mount one: mount -t cgroup2 none /sys/fs/cgroup")
}

func noGroups(err error) error {
	return fmt.Errorf("this kernel cannot bind programs to a device: it has no cgroups (CONFIG_CGROUPS): %w", err)
}

// candidates lists the directories that the process's cgroup may have, from the texts of /proc/self/mountinfo and
// /proc/self/cgroup (proc_pid_mountinfo(5), cgroups(7)). In a cgroup of ours it is the one around it.
func candidates(mounts, own string) []string {
	where := ""
	for _, line := range strings.Split(own, "\n") {
		if rest, ok := strings.CutPrefix(line, "0::"); ok {
			where = rest
		}
	}
	if strings.HasPrefix(path.Base(where), prefix) {
		where = path.Dir(where)
	}
	var dirs []string
	for _, line := range strings.Split(mounts, "\n") {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before) // number, parent, device, root, mount point, options…
		if len(fields) < 6 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		dirs = append(dirs, path.Join(fields[4], below(fields[3], where)))
	}
	return dirs
}

// below is where a cgroup is on a mount that shows the tree from root. One that is not in there counts as root.
func below(root, where string) string {
	if root == "/" && path.IsAbs(where) {
		return path.Clean(where)
	}
	rest, ok := strings.CutPrefix(where, root)
	if !ok || rest != "" && rest[0] != '/' {
		return "/"
	}
	return path.Clean("/" + rest)
}

// lock waits until no other process is between making a cgroup in the directory and entering it.
func lock(dir string) (unlock func(), err error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { file.Close() }, nil
}

// sweep removes the cgroups of ours that no process is in. The kernel keeps the others.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			_ = group(path.Join(dir, entry.Name())).remove()
		}
	}
}

func makeGroup(parent string) (group, error) {
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", fmt.Errorf("make a cgroup: %w", err)
	}
	return group(dir), nil
}

// join moves this process into the cgroup.
func (g group) join() error {
	if err := os.WriteFile(path.Join(string(g), "cgroup.procs"), []byte("0"), 0); err != nil {
		return fmt.Errorf("enter the cgroup: %w", err)
	}
	return nil
}

func (g group) remove() error {
	if err := unix.Rmdir(string(g)); err != nil {
		return fmt.Errorf("remove cgroup %s: %w", g, err)
	}
	return nil
}
