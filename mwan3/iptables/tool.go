package iptables

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	goiptables "github.com/coreos/go-iptables/iptables"

	"mwan3/network"
)

// lockWait is how many seconds the tools wait for each other's lock.
const lockWait = 30

// tool is one family's iptables.
type tool struct {
	family           network.Family
	iptables         *goiptables.IPTables
	command, restore string // names in PATH
}

// findTool looks for a family's tools. The variant is what follows their name: empty for the router's own choice.
func findTool(f network.Family, variant string) (tool, error) {
	command, protocol := "iptables"+variant, goiptables.ProtocolIPv4
	if f == network.IPv6 {
		command, protocol = "ip6tables"+variant, goiptables.ProtocolIPv6
	}
	t := tool{family: f, command: command, restore: command + "-restore"}
	if _, err := exec.LookPath(t.restore); err != nil {
		return t, fmt.Errorf("find %s: %w", t.restore, err)
	}
	found, err := goiptables.New(goiptables.IPFamily(protocol), goiptables.Path(command), goiptables.Timeout(lockWait))
	if err != nil {
		return t, fmt.Errorf("find %s: %w", command, err)
	}
	t.iptables = found
	return t, nil
}

// noTableStatus is the exit status of an iptables that cannot initialize a table (VERSION_PROBLEM of xtables.h).
const noTableStatus = 3

// errNoTable says that the kernel has no such table for the family.
var errNoTable = errors.New("the kernel has no table mangle for it")

// list reads the whole table in one process; go-iptables would need one for each chain.
func (t tool) list() (table, error) {
	text, err := t.run("-t", "mangle", "-S")
	if err != nil {
		return table{}, err
	}
	return parseTable(text), nil
}

// hooked tells whether our chain is there and both built-in chains jump to it.
func (t tool) hooked() (bool, error) {
	found, err := t.iptables.ChainExists("mangle", hookChain)
	for _, chain := range [...]string{"PREROUTING", "OUTPUT"} {
		if err != nil || !found {
			break
		}
		found, err = t.iptables.Exists("mangle", chain, "-j", hookChain)
	}
	var failed *goiptables.Error
	if errors.As(err, &failed) && failed.ExitStatus() == noTableStatus {
		err = errNoTable
	}
	if err != nil {
		return false, fmt.Errorf("%s: look for the jumps to %s: %w", t.command, hookChain, err)
	}
	return found, nil
}

// run runs the listing tool and returns what it prints.
func (t tool) run(args ...string) (string, error) {
	args = append([]string{"--wait", fmt.Sprint(lockWait)}, args...)
	cmd := exec.Command(t.command, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == noTableStatus {
		err = errNoTable
	}
	return "", fmt.Errorf("%s %s: %w: %s", t.command, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
}

// restoreError is iptables-restore's refusal.
type restoreError struct {
	tool   string
	stderr string
	err    error
}

func (e *restoreError) Error() string {
	return fmt.Sprintf("%s --noflush: %v: %s", e.tool, e.err, firstLine(e.stderr))
}

func (e *restoreError) Unwrap() error { return e.err }

// firstLine returns the line of an error text that says what is wrong: the first that does not end with the tool's
// name and version alone.
func firstLine(stderr string) string {
	for _, line := range strings.Split(stderr, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasSuffix(line, "):") {
			return line
		}
	}
	return strings.TrimSpace(stderr)
}

// load carries out a batch.
func (t tool) load(b *batch) error {
	cmd := exec.Command(t.restore, fmt.Sprintf("--wait=%d", lockWait), "--noflush")
	cmd.Stdin = strings.NewReader(b.text())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return &restoreError{t.restore, stderr.String(), err}
	}
	return nil
}
