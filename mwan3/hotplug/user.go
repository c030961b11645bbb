package hotplug

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// UserScript is the program with which the user takes part in events.
const UserScript = "/etc/mwan3.user"

// RunUser runs a program for an event and waits for its end, not for that of the children that it may leave behind. Its
// environment is ACTION, INTERFACE and DEVICE and nothing else, as upstream's; its output goes to a file, nil being none. The exit code
// means nothing: it is that of the last command, often a test. The error says that it could not be run at all. A program
// that is not there is none.
func RunUser(program string, event Event, output *os.File) error {
	info, err := os.Stat(program)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode()&0o100 == 0 {
		_ = os.Chmod(program, 0o755) // LuCI's editor takes the bits away; on a read-only disk the start tells
	}
	keepFiles()
	err = runUser(event, output, program)
	if errors.Is(err, syscall.ENOEXEC) {
		err = runUser(event, output, "/bin/sh", program) // it has no #! line
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("run %s: %w", program, err)
	}
	return nil
}

func runUser(event Event, output *os.File, args ...string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"ACTION=" + string(event.Action), "INTERFACE=" + event.Interface, "DEVICE=" + event.Device}
	cmd.Dir = "/"
	if output != nil {
		cmd.Stdout, cmd.Stderr = output, output
	}
	return cmd.Run()
}

// startAlone starts a program in a session of its own, without any file that is open here, and returns its process id.
// Nobody waits for it.
func startAlone(program string, args ...string) (int, error) {
	keepFiles()
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", program, err)
	}
	pid := cmd.Process.Pid // Release forgets it
	return pid, cmd.Process.Release()
}
