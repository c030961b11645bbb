// Command demo shows mwan3 at work: a router with three uplinks in network namespaces, which are cut and healed one
// after the other while a client on its LAN goes on making new connections. It runs as root and, where the kernel
// has user namespaces, as anybody; it takes about a minute and leaves nothing behind.
//
// The three programs of mwan3 are expected beside it, or in the directory that the environment names as MWAN3_BIN.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"e2e/lab"
)

func main() {
	lab.Enter()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if lab.Inside() {
		os.Exit(exitCode(play(ctx, os.Args[1])))
	}
	os.Exit(exitCode(start(ctx)))
}

// start checks what is needed and runs the demo in a lab.
func start(ctx context.Context) error {
	bin, err := programs()
	if err != nil {
		return err
	}
	for _, tool := range []string{"nft", "ip"} {
		if !installed(tool) {
			return fmt.Errorf("the program %s is missing; on Debian: apt install nftables iproute2", tool)
		}
	}
	err = lab.Run(ctx, os.Stdout, os.Stderr, bin)
	if errors.Is(err, lab.ErrNotAllowed) {
		return fmt.Errorf("%w\nAs root it works: sudo %s", err, os.Args[0])
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errTold
	}
	return err
}

// errTold is a failure that has been printed already.
var errTold = errors.New("")

func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case err != errTold:
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	return 1
}

// programs finds the directory of mwan3's programs.
func programs() (string, error) {
	dir := os.Getenv("MWAN3_BIN")
	if dir == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		dir = filepath.Dir(self)
	}
	for _, name := range []string{"mwan3", "mwan3track", "mwan3rtmon"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("%s is not in %s; `make demo` builds it and starts the demo", name, dir)
		}
	}
	return filepath.Abs(dir)
}

// installed tells whether a tool is there, also where only root looks for it.
func installed(tool string) bool {
	if _, err := exec.LookPath(tool); err == nil {
		return true
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if _, err := os.Stat(filepath.Join(dir, tool)); err == nil {
			return true
		}
	}
	return false
}
