package apply

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// LockPath is the file whose lock a writer of kernel or state holds. It lies outside the state directory, which a stop
// removes. No user code runs while it is held.
const LockPath = "/var/lock/mwan3.lock"

// Lock waits until no other writer is at work. The kernel releases the lock of a process that dies, as soon as the
// tools that it has started under the lock have ended, too: they inherit it, or the next run would meet one that is
// still loading what an earlier run wanted. No daemon may be started under it.
func Lock() (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(LockPath), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(LockPath, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err == nil {
		_, err = unix.FcntlInt(file.Fd(), unix.F_SETFD, 0) // no FD_CLOEXEC
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", LockPath, err)
	}
	return func() { file.Close() }, nil
}
