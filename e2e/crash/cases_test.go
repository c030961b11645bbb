package crash

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"e2e/lab"
	"e2e/lab/labtest"
)

// Moments that chance hits too seldom.

func TestRunsAtTheSameTimeEndInTheExactPlan(t *testing.T) {
	forBackends(t, func(b *bench) {
		a, bDown := state{config: "A"}, state{config: "B", down: "wan"}
		b.learn(bDown, a)
		for round := range 6 {
			to, way := bDown, "ifdown"
			if round%2 == 1 {
				to, way = a, "ifup"
			}
			b.configure(to)
			what := fmt.Sprintf("round %d: reload, reload and %s at once", round, way)
			b.atOnce(mwan3("reload"), mwan3("reload"), mwan3(way, "wan"), unrelated())
			b.expect(what, to)
			b.awaitTrackers(what, false)
		}
		b.reach(state{})
		b.nothingLeft()
	})
}

// atOnce starts all commands and waits for their ends.
func (b *bench) atOnce(commands ...command) {
	b.t.Helper()
	var running []*exec.Cmd
	for _, c := range commands {
		running = append(running, c.process())
		labtest.Check(b.t, running[len(running)-1].Start())
	}
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil {
			b.t.Errorf("%s: %v", commands[i], err)
		}
	}
}

// The kernel releases a dead process's lock, but the tool that it had started lives on, and may load what is no longer
// wanted after the next run has loaded what is.
func TestAToolThatOutlivesItsRunDoesNotOvertakeTheNextOne(t *testing.T) {
	forBackends(t, func(b *bench) {
		a, other := state{config: "A"}, state{config: "B"}
		b.learn(other, a)
		tools := map[string][]string{"nftables": {"nft"}, "iptables": {"iptables-restore", "ip6tables-restore"}}[b.backend]
		for _, tool := range tools {
			b.reach(a)
			b.delay(tool)
			b.configure(other)
			b.orphan(mwan3("reload"))
			b.configure(a)
			b.run(mwan3("reload"))
			labtest.Check(b.t, eventually(func() error {
				if left := append(processes(tool), processes("sleep")...); len(left) > 0 {
					return fmt.Errorf("%s still runs: %v", tool, left)
				}
				return nil
			}))
			b.expect(tool+" lives on", a)
			b.awaitTrackers(tool, false)
		}
	})
}

// delayed is a file that a delayed tool makes when it begins to wait.
const delayed = "/run/delayed"

// delay makes the next load that mwan3 has a tool do take a while before it begins.
func (b *bench) delay(tool string) {
	b.t.Helper()
	path := "/usr/sbin/" + tool
	original, err := os.Readlink(path)
	labtest.Check(b.t, err, os.Remove(path))
	script := fmt.Sprintf(`#!/bin/sh
read parent </proc/$PPID/comm
case "$parent $*" in "mwan3 -f -" | "mwan3 "*--noflush*)
	[ -e %[1]s ] || { : >%[1]s; sleep 0.4; } ;;
esac
exec %[2]s "$@"
`, delayed, original)
	if err := os.Remove(delayed); err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	labtest.Check(b.t, os.WriteFile(path, []byte(script), 0o755))
	b.t.Cleanup(func() { _ = os.Remove(path) })
}

// orphan runs a command and kills it alone as soon as its tool waits.
func (b *bench) orphan(c command) {
	b.t.Helper()
	cmd := c.process()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	labtest.Check(b.t, cmd.Start())
	err := eventually(func() error { _, err := os.Stat(delayed); return err })
	labtest.Check(b.t, err, unix.Kill(cmd.Process.Pid, unix.SIGKILL))
	if err := cmd.Wait(); err == nil {
		b.t.Fatal("the run had ended before it could be killed")
	}
}

// remains are the commands that leave what crashes can leave, and worse.
func remains(backend string) string {
	const common = `
ip rule del pref 2001
ip -6 rule del pref 3002
ip rule add pref 2009 fwmark 0x900/0x3f00 lookup 9
ip rule add pref 1009 iif wan1 lookup 9
ip route add default via 10.1.2.1 dev wan1 table 9
ip route add 203.0.113.0/24 via 10.1.1.1 dev wan0 table 1
ip -6 route del default table 4
touch /var/run/mwan3/changing /var/run/mwan3/.running /var/run/mwan3/iface_state/.wan
`
	if backend == "nftables" {
		return common + `
nft flush set inet mwan3 mwan3_connected_ipv4
nft add element inet mwan3 mwan3_connected_ipv6 '{ 2001:db8:51::/64 }'
nft flush chain inet mwan3 mwan3_policy_balanced_ipv4
nft add chain inet mwan3 mwan3_left_behind
nft add set inet mwan3 mwan3_sticky_old '{ type ipv4_addr; flags dynamic,timeout; }'
`
	}
	return common + `
ipset flush mwan3_connected_ipv4
ipset add mwan3_connected_ipv6 2001:db8:51::/64
ipset create mwan3_connected_ipv4_temp hash:net
ipset create mwan3_rule4_9_old hash:ip timeout 60
iptables -t mangle -F mwan3_policy_balanced
iptables -t mangle -D PREROUTING -j mwan3_hook
ip6tables -t mangle -N mwan3_test
ip6tables -t mangle -N mwan3_left_behind
`
}

func TestTheNextRunRepairsWhatACrashCanLeave(t *testing.T) {
	forBackends(t, func(b *bench) {
		a := state{config: "A"}
		b.learn(a)
		for _, next := range []command{unrelated(), event("ifupdate", "wanc", "wan2"), mwan3("reload"), mwan3("start")} {
			b.leave(remains(b.backend))
			b.run(next)
			b.expect(next.String(), a)
			b.awaitTrackers(next.String(), false)
		}
		b.leave(remains(b.backend))
		b.reach(state{})
		b.nothingLeft()
	})
}

func TestARepairTakesNoInterfaceForOneThatHasJustComeUp(t *testing.T) {
	forBackends(t, func(b *bench) {
		b.configure(state{config: "A"})
		text, err := os.ReadFile(configFile)
		labtest.Check(b.t, err)
		untracked := regexp.MustCompile(`list track_ip .*`).ReplaceAllString(string(text), "list flush_conntrack 'ifup'")
		labtest.Check(b.t, os.WriteFile(configFile, []byte(untracked), 0o600))
		b.run(mwan3("start"))
		before, err := os.ReadFile(lab.LogFile)
		labtest.Check(b.t, err)
		b.leave("touch /var/run/mwan3/changing")
		b.run(unrelated())
		after, err := os.ReadFile(lab.LogFile)
		labtest.Check(b.t, err)
		if log := string(after[len(before):]); strings.Contains(log, "flushed") {
			b.t.Errorf("connections were flushed:\n%s", log)
		}
	})
}

func (b *bench) leave(script string) {
	b.t.Helper()
	cmd := exec.Command("sh", "-e")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
}

func TestAStopAlsoRemovesTheMarkingOfABackendThatTheConfigHasLeft(t *testing.T) {
	forBackends(t, func(b *bench) {
		a, swapped := state{config: "A"}, state{config: "A", swapped: true}
		b.reach(a)
		b.configure(swapped)
		b.run(mwan3("stop"))
		b.expect("stop", state{})
		b.nothingLeft()
	})
}

// An unfinished stop leaves what was true then. A start begins anew.
func TestAStartAfterAStopThatWasCutOffBeginsAnew(t *testing.T) {
	forBackends(t, func(b *bench) {
		a, down := state{config: "A"}, state{config: "A", down: "wan"}
		b.learn(a, down)
		resume := b.suspendDaemon()
		hit := b.strike(mwan3("stop"), 500*time.Millisecond, false)
		resume()
		if hit != "in the change" {
			b.t.Fatalf("the stop was hit %q", hit)
		}
		b.begin(mwan3("start"), a)
		b.expect("start after a stop that was cut off", a)
	})
}

// suspendDaemon makes a stop wait: a daemon that the kernel has suspended does not end when it is told to.
func (b *bench) suspendDaemon() (end func()) {
	b.t.Helper()
	sleep, err := exec.LookPath("sleep")
	labtest.Check(b.t, err)
	cmd := &exec.Cmd{Path: sleep, Args: []string{"mwan3rtmon", "100"}}
	labtest.Check(b.t, cmd.Start(), unix.Kill(cmd.Process.Pid, unix.SIGSTOP))
	return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
}
