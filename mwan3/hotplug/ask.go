package hotplug

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// askPatience is how long the configurator may take to answer. It needs milliseconds, and some seconds where netifd is just
// being restarted.
const askPatience = 15 * time.Second

// turnPatience is how long one who asks waits for the answers to others. It is more than all trackers of a router take one after
// the other, and goes on then: somebody else's question may wait for a netifd that hangs.
const turnPatience = 5 * time.Second

// AskInTurn asks when it is its turn: after a reload all trackers ask, and so many configurators at once take the memory and the
// time of a small router.
func (r Router) AskInTurn(ctx context.Context, args ...string) (string, error) {
	defer r.awaitTurn(ctx)()
	return r.Ask(ctx, args...)
}

// Ask runs a command of the configurator and returns what it prints. It waits as long as ctx says, or for some seconds. The
// error has the words in which the configurator says what went wrong, and names what could not be run.
func (r Router) Ask(ctx context.Context, args ...string) (string, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askPatience)
		defer cancel()
	}
	keepFiles()
	var out, told strings.Builder
	cmd := exec.CommandContext(ctx, r.Configurator, args...)
	cmd.Env = []string{path()}
	cmd.Stdout, cmd.Stderr = &out, &told
	cmd.WaitDelay = time.Second // for what it may have started
	err := cmd.Run()
	if words := strings.TrimPrefix(strings.TrimSpace(told.String()), "mwan3: "); err != nil && words != "" {
		return "", fmt.Errorf("run %s %s: %w: %s", r.Configurator, strings.Join(args, " "), err, words)
	}
	if err != nil {
		return "", fmt.Errorf("run %s %s: %w", r.Configurator, strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// awaitTurn waits until nobody else asks, and returns what ends the turn. The lock is on a directory that is there while mwan3
// runs: it leaves nothing behind, and who dies loses it.
func (r Router) awaitTurn(ctx context.Context) (end func()) {
	dir, err := os.Open(r.State)
	if err != nil {
		return func() {} // nothing runs whose daemons could all ask
	}
	for late := time.Now().Add(turnPatience); ; time.Sleep(20 * time.Millisecond) {
		err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil || ctx.Err() != nil || time.Now().After(late) {
			return func() { dir.Close() }
		}
	}
}
