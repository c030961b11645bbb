package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"mwan3/config"
)

const week = 7 * 24 * time.Hour

// pace is how an interface is tracked.
type pace struct {
	name              string
	interval, timeout time.Duration
	timeoutMax        time.Duration
	down              int // and up
}

func paces() []pace {
	const tenth = 100 * time.Millisecond
	return []pace{
		{"10 4 5 5", 10 * time.Second, 4 * time.Second, 0, 5},
		{"1 1 3 3", time.Second, time.Second, 0, 3},
		{".1 .3 3 3", tenth, 3 * tenth, 0, 3},
		{".1 .3-2 3 3", tenth, 3 * tenth, 2 * time.Second, 3},
	}
}

// scene is whom an interface asks, and in what weather.
type scene struct {
	name          string
	targets, need int
	weather       func(seed uint64, w *weather)
	outage        bool // it lasts longer than the scheme may take that decides sooner
}

func (s scene) section(p pace) config.Interface {
	section := section(p.down, p.down, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}[:s.targets]...)
	t := &section.Tracking
	t.Reliability = s.need
	t.Timeout, t.TimeoutMax = p.timeout, max(p.timeout, p.timeoutMax)
	t.Interval, t.FailureInterval, t.RecoveryInterval = p.interval, p.interval, p.interval
	return section
}

func (s scene) make(seed uint64) *weather {
	w := newWeather(seed)
	s.weather(seed, w)
	return w
}

func loses(loss float64) func(uint64, *weather) {
	return func(_ uint64, w *weather) { w.loss = loss }
}

// bursts are those of Gilbert and Elliott: in the bad state, which takes a random time, most probes are lost.
func bursts(gap, length time.Duration, loss float64) func(uint64, *weather) {
	return func(seed uint64, w *weather) {
		w.bursts, w.burst = newSpells(random(seed, 1, gap), random(seed, 2, length)), loss
	}
}

func blackouts(length time.Duration) func(uint64, *weather) {
	return func(seed uint64, w *weather) {
		w.bursts, w.burst = newSpells(random(seed, 1, time.Hour), always(length)), 1
	}
}

func handovers(_ uint64, w *weather) {
	w.slow = newSpells(always(14700*time.Millisecond), always(300*time.Millisecond))
	w.extra = 300 * time.Millisecond
}

func spikes(seed uint64, w *weather) {
	w.slow = newSpells(random(seed, 1, 10*time.Minute), always(time.Second))
	w.extra = 300 * time.Millisecond
}

func oneDead(target int) func(uint64, *weather) {
	return func(_ uint64, w *weather) { w.dead, w.loss = target, 0.02 }
}

func limited(others time.Duration) func(uint64, *weather) {
	return func(seed uint64, w *weather) { w.stingy = newLimiter(1, 3, random(seed, 1, others)) }
}

func scenes() []scene {
	short, long := bursts(time.Minute, 250*ms, 0.8), bursts(10*time.Minute, time.Second, 0.8)
	return []scene{
		{"all is well", 1, 1, loses(0), false},
		{"all is well", 4, 1, loses(0), false},
		{"all is well", 3, 2, loses(0), false},
		{"2 % lost", 1, 1, loses(0.02), false},
		{"2 % lost", 4, 1, loses(0.02), false},
		{"5 % lost", 1, 1, loses(0.05), false},
		{"5 % lost", 4, 1, loses(0.05), false},
		{"5 % lost", 3, 2, loses(0.05), false},
		{"short bursts", 1, 1, short, false},
		{"short bursts", 4, 1, short, false},
		{"short bursts", 3, 2, short, true},
		{"long bursts", 1, 1, long, false},
		{"long bursts", 4, 1, long, false},
		{"long bursts", 3, 2, long, true},
		{"handovers", 1, 1, handovers, false},
		{"handovers", 4, 1, handovers, false},
		{"slow for 1 s", 1, 1, spikes, false},
		{"slow for 1 s", 4, 1, spikes, false},
		{"slow for 1 s", 3, 2, spikes, false},
		{"first dead, 2 % lost", 4, 1, oneDead(0), false},
		{"third dead, 2 % lost", 4, 1, oneDead(2), false},
		{"third dead, 2 % lost", 3, 2, oneDead(2), false},
		{"rate limit", 1, 1, limited(4 * time.Second), false},
		{"rate limit of the first", 4, 1, limited(4 * time.Second), false},
		{"dead for 0.5 s", 1, 1, blackouts(500 * ms), true},
		{"dead for 0.5 s", 4, 1, blackouts(500 * ms), true},
		{"dead for 2 s", 1, 1, blackouts(2 * time.Second), true},
		{"dead for 2 s", 4, 1, blackouts(2 * time.Second), true},
	}
}

const legend = `
A simulated week of each weather: what upstream's scheme makes of it / what this one makes of it. Columns are interval,
timeout (with timeout_max 2, which upstream does not know), down and up, in seconds; upstream's programs cannot use
fractions of seconds, its scheme is played as if they could. "2 of 3" is reliability and targets. All trouble but that of
single targets is that of the way to all of them; round trips take 20 to 24 ms.
  lost          each probe for itself
  short bursts  4 of 5 probes lost, for 0.25 s each minute (mean times, exponentially distributed)
  long bursts   4 of 5 probes lost, for 1 s each 10 minutes
  handovers     300 ms more, for 0.3 s each 15 s
  slow for 1 s  300 ms more, each 10 minutes (mean time)
  rate limit    1 answer per second, 3 at once; others ask each 4 s (mean time)
  dead          nothing comes through, each hour (mean time); a verdict before its end is no false alarm

`

// cell is what both schemes made of the same weather.
type cell struct {
	upstream, ours tally
	played         bool
}

// play plays what a pace makes of a scene. Longer timeouts are played only where answers are late, or do not come at all.
func play(s scene, p pace, length time.Duration) cell {
	const seed = 2
	if w := s.make(seed); p.timeoutMax > 0 && w.slow == nil && w.burst < 1 && w.stingy == nil {
		return cell{}
	}
	return cell{
		played:   true,
		upstream: simulateUpstream(s.section(p), s.make(seed), length),
		ours:     simulate(s.section(p), s.make(seed), length),
	}
}

// playAll fills a table, as many cells at the same time as there are processors.
func playAll(scenes []scene, paces []pace, length time.Duration) [][]cell {
	table := make([][]cell, len(scenes))
	var running sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, s := range scenes {
		table[i] = make([]cell, len(paces))
		for j, p := range paces {
			running.Add(1)
			free <- struct{}{}
			go func() {
				defer running.Done()
				table[i][j] = play(s, p, length)
				<-free
			}()
		}
	}
	running.Wait()
	return table
}

// list writes a table with one figure of each cell.
func list(out io.Writer, title string, table [][]cell, figure func(tally) int) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\t\t", title)
	for _, p := range paces() {
		fmt.Fprintf(w, "%s\t", p.name)
	}
	fmt.Fprintln(w)
	for i, s := range scenes() {
		fmt.Fprintf(w, "%s\t%d of %d\t", s.name, s.need, s.targets)
		for _, c := range table[i] {
			if c.played {
				fmt.Fprintf(w, "%d / %d", figure(c.upstream), figure(c.ours))
			}
			fmt.Fprint(w, "\t")
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	fmt.Fprintln(out)
}

// BenchmarkWeeks prints what a week of each weather does, once, whatever -benchtime says.
func BenchmarkWeeks(b *testing.B) {
	if b.N > 1 {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(4000))
	table := playAll(scenes(), paces(), week)
	fmt.Print(legend)
	list(os.Stdout, "verdicts", table, func(t tally) int { return t.verdicts })
	list(os.Stdout, "seconds offline", table, func(t tally) int { return int(t.offline.Seconds()) })
	list(os.Stdout, "probes sent", table, func(t tally) int { return t.packets })
}

// TestThisSchemeIsNoWorseThanUpstreams compares shorter times of each weather. Their luck is the same each time, so there
// is nothing to be tolerated.
func TestThisSchemeIsNoWorseThanUpstreams(t *testing.T) {
	lengths := []time.Duration{week / 7, 4 * time.Hour, time.Hour, time.Hour}
	if testing.Short() {
		lengths = []time.Duration{4 * time.Hour, time.Hour, 10 * time.Minute, 10 * time.Minute}
	}
	for i, p := range paces() {
		for j, row := range playAll(scenes(), []pace{p}, lengths[i]) {
			s, c := scenes()[j], row[0]
			if !s.outage && c.ours.verdicts > c.upstream.verdicts && c.ours.offline > c.upstream.offline {
				t.Errorf("%s, %d of %d, %s: %+v", s.name, s.need, s.targets, p.name, c)
			}
			if s.name == "all is well" && s.need == 1 && c.ours.packets > c.upstream.packets {
				t.Errorf("%s, %d of %d, %s: %+v", s.name, s.need, s.targets, p.name, c)
			}
		}
	}
}
