// Package command runs other programs: their complaints become errors, and they end with the run that started them.
package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Run returns what a program writes, run in a folder (empty: this one). What it writes on standard error is part of its error.
func Run(ctx context.Context, folder, name string, args ...string) (string, error) {
	command := prepare(ctx, folder, name, args)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		return "", fail(name, args, err, complaints.String())
	}
	return string(out), nil
}

// Watch runs a program that takes long, gives each line that it writes to see, and has the last lines in its error.
func Watch(ctx context.Context, folder string, see func(line string), name string, args ...string) error {
	command := prepare(ctx, folder, name, args)
	read, write := io.Pipe()
	command.Stdout, command.Stderr = write, write
	var last []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			last = append(last[max(0, len(last)-20):], lines.Text())
			see(lines.Text())
		}
		io.Copy(io.Discard, read)
	}()
	err := command.Run()
	write.Close()
	<-done
	if err != nil {
		return fail(name, args, err, strings.Join(last, "\n"))
	}
	return nil
}

// prepare makes a command that ends, with all that it started, when ctx does.
func prepare(ctx context.Context, folder, name string, args []string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	return command
}

// fail keeps the end of long complaints: the first fault of a compiler is near it, and apt repeats itself.
func fail(name string, args []string, err error, complaints string) error {
	lines := strings.Split(strings.TrimSpace(complaints), "\n")
	complaints = strings.Join(lines[max(0, len(lines)-20):], "\n")
	return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, complaints)
}
