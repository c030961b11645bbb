package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"e2e/probes"
)

// row is one line of the table for each family: a time that each cut has, if it was seen.
type row struct {
	title string
	time  func(cut) (took time.Duration, seen bool)
	want  time.Duration // of the 99th percentile; 0: none
}

// rows are what a scene shows.
func rows(s scene) []row {
	whole := row{"cut to first new connection", func(c cut) (time.Duration, bool) { return c.First, true }, s.want}
	back := row{"repair to first new connection back", func(c cut) (time.Duration, bool) { return c.Back, true }, 0}
	if !s.silent {
		return []row{
			whole,
			{"  cut to policy loaded", func(c cut) (time.Duration, bool) { return c.Loaded, c.Loaded != 0 }, 0},
			between("  … to first new connection", func(c cut) (from, to time.Duration) { return c.Loaded, c.First }),
			back,
		}
	}
	ours := between("  of that ours, beyond the verdict's due time", func(c cut) (from, to time.Duration) { return c.Due, c.First })
	ours.want = wantOurs
	return []row{
		whole, ours,
		between("    due to STATUS offline", func(c cut) (from, to time.Duration) { return c.Due, c.Offline }),
		between("    … to policy loaded", func(c cut) (from, to time.Duration) { return c.Offline, c.Loaded }),
		between("    … to first new connection", func(c cut) (from, to time.Duration) { return c.Loaded, c.First }),
		back,
	}
}

// between is the time from one moment to another, where both were seen. It is negative if the second came first.
func between(title string, moments func(cut) (from, to time.Duration)) row {
	return row{title: title, time: func(c cut) (time.Duration, bool) {
		from, to := moments(c)
		return to - from, from != 0 && to != 0
	}}
}

// times returns the sorted times of one family's cuts.
func (r row) times(cuts []cut, f probes.Family) []time.Duration {
	var times []time.Duration
	for _, c := range cuts {
		if took, seen := r.time(c); seen && c.Family == f {
			times = append(times, took)
		}
	}
	slices.Sort(times)
	return times
}

// percentile returns the smallest of the sorted times that p percent of them do not exceed (nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

func printFailover(out io.Writer, backend string, done []outcome) {
	fmt.Fprintf(out, "failover with %s; milliseconds until a LAN client's new TCP connection is answered through the other uplink;\n"+
		"cuts at random phases, percentiles by nearest rank, none left out\n\n", backend)
	fmt.Fprintf(out, "%-46s %-6s %5s %8s %8s %8s %8s  %s\n", "what", "family", "cuts", "min", "p50", "p99", "max", "target")
	for _, o := range done {
		fmt.Fprintf(out, "%s: %s\n", o.scene.title, o.scene.pace)
		for _, r := range rows(o.scene) {
			r.print(out, o.cuts)
		}
		if o.scene.silent {
			o.scene.pace.printArithmetic(out)
		}
	}
}

// print writes the lines of both families.
func (r row) print(out io.Writer, cuts []cut) {
	for f := range probes.Families {
		times := r.times(cuts, f)
		if len(times) == 0 {
			fmt.Fprintf(out, "%-46s %-6s %5d %8s %8s %8s %8s\n", r.title, f, 0, "-", "-", "-", "-")
			continue
		}
		p99 := percentile(times, 99)
		line := fmt.Sprintf("%-46s %-6s %5d %8.1f %8.1f %8.1f %8.1f  %s", r.title, f, len(times),
			ms(times[0]), ms(percentile(times, 50)), ms(p99), ms(times[len(times)-1]), target99(p99, r.want))
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
}

// target99 says what is wanted and whether it was met.
func target99(p99, want time.Duration) string {
	switch {
	case want == 0:
		return ""
	case p99 < want:
		return fmt.Sprintf("p99 < %.0f: met", ms(want))
	}
	return fmt.Sprintf("p99 < %.0f: missed", ms(want))
}

// printArithmetic compares with what the settings ask for, when the cut comes half an interval before the next probe.
func (p pace) printArithmetic(out io.Writer) {
	line := func(title string, took time.Duration) { fmt.Fprintf(out, "  %-66s %8.1f\n", title, ms(took)) }
	line("for comparison: half an interval, and the verdict is due", p.interval/2+p.verdict())
	if p.interval%time.Second != 0 || p.timeout%time.Second != 0 {
		return // upstream's tools know whole seconds
	}
	for n, word := range []string{"one target", "two, asked in turn"} {
		line("upstream 2.12, by its arithmetic, "+word, p.upstream(n+1))
	}
}

// machineLoad tells how busy the machine is: the load average of the last minute.
func machineLoad() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
