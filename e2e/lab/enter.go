package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A lab is a process tree: the program that wants one starts itself again as pid 1 of new namespaces, and this pid 1
// starts it a third time as the router. What is left behind when any of them is killed: nothing, because the kernel
// ends all processes of a pid namespace with its pid 1, and drops namespaces and mounts with their last process.
const (
	initName   = "lab: init"
	routerName = "lab: router"
)

// grace is the time that a lab gets to end by itself before it is killed.
const grace = 5 * time.Second

// ErrNotAllowed says that the kernel does not let this user make namespaces.
var ErrNotAllowed = errors.New("the kernel does not let this user make network namespaces")

// Inside tells whether this process is the router of a lab.
func Inside() bool { return os.Args[0] == routerName }

// Enter must be the first call of every program (and TestMain) that uses a lab. It returns at once, except in a lab's
// pid 1, which does its work in there and never returns.
func Enter() {
	beTool()
	if os.Args[0] != initName {
		return
	}
	code, err := initMain()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = 1
	}
	os.Exit(code)
}

// Run runs this program again with args as the router of a new lab and waits for its end. The caller sees Inside
// true in there, and draws the lab with New. When ctx ends, the lab gets a SIGTERM, and is killed a little later.
func Run(ctx context.Context, stdout, stderr io.Writer, args ...string) error {
	runtime.LockOSThread() // Pdeathsig means the death of the thread that started the child
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Args[0] = initName
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	cmd.Env = append(os.Environ(), "PATH=/usr/local/sbin:/usr/sbin:/sbin:"+os.Getenv("PATH"))
	cmd.SysProcAttr = namespaces()
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = grace
	if err := cmd.Start(); errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS) {
		return fmt.Errorf("%w: %v", ErrNotAllowed, err)
	} else if err != nil {
		return fmt.Errorf("start the lab: %w", err)
	}
	return cmd.Wait()
}

// namespaces are those that make a lab: its own network, mounts and processes. A user who is not root gets them in a
// user namespace in which he is.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// initMain is pid 1: it makes the lab's own view of the file system, starts the router and buries the orphans, as
// every pid 1 must: a daemon that was stopped would else stay a zombie and look alive.
func initMain() (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	if err := makePrivate(); err != nil {
		return 0, err
	}
	args := append([]string{routerName}, os.Args[1:]...)
	router, err := os.StartProcess("/proc/self/exe", args, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return 0, fmt.Errorf("start the router: %w", err)
	}
	go pass(signals, router)
	return bury(router.Pid)
}

// pass hands signals on. The terminal sends SIGINT to everybody in the lab anyway; a second one does no harm.
func pass(signals <-chan os.Signal, router *os.Process) {
	for s := range signals {
		if s != unix.SIGINT {
			_ = router.Signal(s) // it may have ended
		}
	}
}

// bury waits for children until the router ends, and returns its exit code.
func bury(router int) (int, error) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait for the lab's processes: %w", err)
		case pid == router && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == router:
			return status.ExitStatus(), nil
		}
	}
}
