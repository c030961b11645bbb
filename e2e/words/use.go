package words

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// What scripts about `mwan3 use` need around them.

// setCache lets scripts compile programs without beginning with the standard library: they have no home.
func setCache(env *testscript.Env) error {
	cache := os.Getenv("GOCACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil // a script that compiles something will say so
		}
		cache = filepath.Join(dir, "go-build")
	}
	env.Setenv("GOCACHE", cache)
	return nil
}

// removeCgroups removes the empty cgroups that `mwan3 use` leaves behind until its next call: they are not the lab's,
// but the machine's.
func removeCgroups() {
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range strings.Split(string(mounts), "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && fields[2] == "cgroup2" {
			removeFrom(fields[1])
		}
	}
}

// removeFrom removes them from this process's cgroup, under the lock of those who make new ones.
func removeFrom(mount string) {
	own, _ := os.ReadFile("/proc/self/cgroup")
	_, where, _ := strings.Cut("\n"+string(own), "\n0::")
	where, _, _ = strings.Cut(where, "\n")
	dir, err := os.Open(filepath.Join(mount, where))
	if err != nil {
		return
	}
	defer dir.Close()
	_ = unix.Flock(int(dir.Fd()), unix.LOCK_EX)
	empty, _ := filepath.Glob(filepath.Join(dir.Name(), "mwan3-use-*"))
	for _, group := range empty {
		_ = unix.Rmdir(group) // the kernel keeps those that a process is in
	}
}
