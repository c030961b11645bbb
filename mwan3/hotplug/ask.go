package hotplug

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// askPatience is how long the configurator may take to answer. It needs milliseconds, and some seconds where netifd is just
// being restarted.
const askPatience = 15 * time.Second

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
