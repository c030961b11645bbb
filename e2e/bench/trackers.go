package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"e2e/lab"
	"e2e/probes"
)

// Times of this part. All is well all the time.
const (
	settle = 30 * time.Second // before memory is looked at and processor time is counted
	count  = 35 * time.Second // for which processor time is counted; packets are counted from the start
)

// slowRound is the default interval between two rounds.
const slowRound = 10 * time.Second

// busy is how the second uplink is tracked, to see what a probe costs.
const busy = "\toption interval '0.1'\n\toption reliability '4'\n"

// cost is what a tracker of one family took.
type cost struct {
	perHour  float64       // probes that left the router, at default settings
	trip     time.Duration // mean time until they were answered
	perProbe time.Duration // processor time, of the busy one
	probes   int           // that this was counted over
	memory   [3]int        // private dirty KiB: tracker at default settings, busy tracker, rtmon
}

// measureTrackers lets trackers run, at default settings on the first uplink and busy ones on the second.
func measureTrackers(o options) error {
	l, err := lab.New(2)
	if err != nil {
		return err
	}
	slow, err1 := l.Router.Watch("wan0")
	quick, err2 := l.Router.Watch("wan1")
	config := tracked("wan", "wan0", 2, "") + tracked("wanb", "wan1", 4, busy) + policy
	if err := errors.Join(err1, err2, writeConfig(o.backend, config), run("mwan3", "start")); err != nil {
		return err
	}
	defer slow.Close()
	defer quick.Close()
	fmt.Fprintf(os.Stderr, "trackers: counting for %v\n", settle+count)
	time.Sleep(settle)
	var costs [probes.Families]cost
	if err := errors.Join(addMemory(&costs), addProcessorTime(&costs, quick), addProbes(&costs, slow)); err != nil {
		return err
	}
	printTrackers(os.Stdout, costs)
	return nil
}

// tracked is the configuration of an uplink's interfaces and their members, with some targets.
func tracked(name, device string, targets int, options string) string {
	var b strings.Builder
	for f, target := range [probes.Families]string{"198.51.100.%d", "2001:db8:51::%d"} {
		iface := name + [probes.Families]string{"", "6"}[f]
		fmt.Fprintf(&b, "config interface '%s'\n\toption enabled '1'\n\toption family 'ipv%d'\n\toption device '%s'\n%s",
			iface, 4+2*f, device, options)
		for i := range targets {
			fmt.Fprintf(&b, "\tlist track_ip '"+target+"'\n", i+1)
		}
		for metric := 1; metric <= 2; metric++ {
			fmt.Fprintf(&b, "config member '%s_m%d'\n\toption interface '%s'\n\toption metric '%d'\n", iface, metric, iface, metric)
		}
	}
	return b.String()
}

// addProcessorTime counts what the busy trackers take, all their threads together, and their probes.
func addProcessorTime(costs *[probes.Families]cost, w *probes.Tap) error {
	before, err := busyTimes()
	if err != nil {
		return err
	}
	w.Forget()
	time.Sleep(count)
	after, err := busyTimes()
	if err != nil {
		return err
	}
	for f := range probes.Families {
		c := &costs[f]
		if c.probes = len(w.Seen(f)); c.probes == 0 {
			return fmt.Errorf("%s: no probe was seen", f)
		}
		c.perProbe = (after[f] - before[f]) / time.Duration(c.probes)
	}
	return nil
}

// busyTimes is what the busy trackers have taken up to now.
func busyTimes() (times [probes.Families]time.Duration, err error) {
	for f := range probes.Families {
		pid, err := trackerPid(second()[f])
		if err != nil {
			return times, err
		}
		if times[f], err = processorTime(pid); err != nil {
			return times, err
		}
	}
	return times, nil
}

// processorTime is a process's user and system time. Its clock (clock_getcpuclockid(3)) is finer than /proc/pid/stat.
func processorTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &at); err != nil {
		return 0, fmt.Errorf("read the processor time of process %d: %w", pid, err)
	}
	return time.Duration(at.Nano()), nil
}

func trackerPid(iface string) (int, error) {
	return strconv.Atoi(readWord(trackDir + iface + "/PID"))
}

// addMemory reads the memory of all processes.
func addMemory(costs *[probes.Families]cost) error {
	var faults []error
	for f := range probes.Families {
		var err error
		costs[f].memory, err = memories(f)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// memories reads the memory of a family's processes.
func memories(f probes.Family) ([3]int, error) {
	slow, err1 := trackerPid(first()[f])
	quick, err2 := trackerPid(second()[f])
	mirror, err3 := rtmonPid(f)
	if err := errors.Join(err1, err2, err3); err != nil {
		return [3]int{}, err
	}
	var kib [3]int
	for i, pid := range []int{slow, quick, mirror} {
		var err error
		if kib[i], err = privateDirty(pid); err != nil {
			return kib, err
		}
	}
	return kib, nil
}

// rtmonPid finds the family's mwan3rtmon among the lab's processes.
func rtmonPid(f probes.Family) (int, error) {
	want := "mwan3rtmon\x00" + strings.ToLower(f.String()) + "\x00"
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		if text, _ := os.ReadFile(path); strings.HasSuffix("/"+string(text), "/"+want) {
			return strconv.Atoi(filepath.Base(filepath.Dir(path)))
		}
	}
	return 0, fmt.Errorf("mwan3rtmon %s does not run", f)
}

// privateDirty reads how much memory a process has for itself, in KiB.
func privateDirty(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "Private_Dirty:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("read the memory of process %d: no Private_Dirty in smaps_rollup", pid)
	}
	return strconv.Atoi(fields[0])
}

// addProbes counts the probes at default settings.
func addProbes(costs *[probes.Families]cost, w *probes.Tap) error {
	var faults []error
	for f := range probes.Families {
		if err := costs[f].countProbes(w.Seen(f)); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f, err))
		}
	}
	return errors.Join(faults...)
}

// countProbes counts over whole intervals: from the first probe to the last one.
func (c *cost) countProbes(seen []probes.Probe) error {
	if len(seen) < 2 {
		return fmt.Errorf("only %d probes were seen at default settings", len(seen))
	}
	for _, p := range seen {
		if p.Answered.IsZero() {
			return fmt.Errorf("a probe to %s was not answered", p.Echo.Target)
		}
		c.trip += p.Answered.Sub(p.Sent) / time.Duration(len(seen))
	}
	span := seen[len(seen)-1].Sent.Sub(seen[0].Sent)
	c.perHour = float64(len(seen)-1) / span.Hours()
	return nil
}

func printTrackers(out io.Writer, costs [probes.Families]cost) {
	fmt.Fprintf(out, "trackers while all is well; a busy one asks 4 targets every 0.1 s, reliability 4; memory is private dirty, after %v\n\n",
		settle)
	fmt.Fprintf(out, "%-50s %8s %8s\n", "what", probes.V4, probes.V6)
	line := func(title, format string, value func(cost) any) {
		fmt.Fprintf(out, "%-50s "+format+" "+format+"\n", title, value(costs[probes.V4]), value(costs[probes.V6]))
	}
	line("packets per hour at default settings", "%8.1f", func(c cost) any { return c.perHour })
	line("  upstream 2.12, by its arithmetic, 3600/(10+rtt)", "%8.1f", func(c cost) any {
		return 3600 / (slowRound + c.trip).Seconds()
	})
	line("processor time per probe, busy tracker, µs", "%8.1f", func(c cost) any { return ms(c.perProbe * 1000) })
	line("  counted over probes", "%8d", func(c cost) any { return c.probes })
	for i, title := range []string{"tracker at default settings", "busy tracker", "mwan3rtmon"} {
		line("memory, "+title+", KiB", "%8d", func(c cost) any { return c.memory[i] })
	}
	fmt.Fprintln(out)
}
