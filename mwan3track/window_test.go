package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/health"
	"mwan3track/probe"
)

func TestFiguresAreThoseOfTheWindow(t *testing.T) {
	for _, test := range []struct {
		name string
		size int
		give []probe.Result
		want health.Figures
	}{
		{"nothing yet", 5, nil, health.Figures{Latency: 999999}},
		{"one answer", 1, []probe.Result{quality(20, 0)}, health.Figures{Latency: 20}},
		{"one that is missing", 1, []probe.Result{quality(20, 0), lost}, health.Figures{Latency: 999999, Loss: 100}},
		{"the last of two", 1, []probe.Result{quality(20, 0), quality(50, 33)}, health.Figures{Latency: 50, Loss: 33, Jitter: 30}},
		{"probes to come count as answered", 10, []probe.Result{lost, quality(30, 50)}, health.Figures{Latency: 30, Loss: 15}},
		{"the mean of answers", 3, []probe.Result{quality(10, 0), quality(20, 0), quality(60, 0)}, health.Figures{Latency: 30, Jitter: 25}},
		{"without those that are missing", 3, []probe.Result{quality(10, 0), lost, quality(60, 0)}, health.Figures{Latency: 35, Loss: 33, Jitter: 50}},
		{"old ones leave", 2, []probe.Result{lost, quality(10, 0), quality(20, 0), quality(24, 0)}, health.Figures{Latency: 22, Jitter: 7}},
		{"fractions are cut off", 3, []probe.Result{{OK: true, Latency: 1999 * time.Microsecond}, lost, lost}, health.Figures{Latency: 1, Loss: 66}},
		{"a zero size is a window of one", 0, []probe.Result{lost, quality(10, 0)}, health.Figures{Latency: 10}},
		{"too few answers are some", 1, []probe.Result{{Latency: 5 * time.Millisecond, Loss: 33}}, health.Figures{Latency: 5, Loss: 33}},
		{"no result is no answer", 1, []probe.Result{{}}, health.Figures{Latency: 999999, Loss: 100}},
	} {
		w := newWindow(test.size)
		for _, result := range test.give {
			w.add(result)
		}
		if diff := cmp.Diff(test.want, w.figures()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestSumsStayThoseOfTheSamples(t *testing.T) {
	for size := 1; size <= 12; size++ {
		random := rand.New(rand.NewPCG(uint64(size), 1))
		w := newWindow(size)
		for range 200 {
			w.add(anyResult(random))
			if random.IntN(50) == 0 {
				w.forget()
			}
			fresh := window{samples: w.samples, size: size, oldest: w.oldest, last: w.last}
			for _, s := range w.samples {
				fresh.sum(s, 1)
			}
			if diff := cmp.Diff(fresh, w, cmp.AllowUnexported(window{}, sample{})); diff != "" {
				t.Fatalf("size %d: %s", size, diff)
			}
		}
	}
}

func anyResult(random *rand.Rand) probe.Result {
	if random.IntN(3) == 0 {
		return lost
	}
	return quality(random.IntN(1500), random.IntN(100))
}

func TestAWindowOfOneJudgesEachProbeByItself(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	s := section(3, 3, "192.0.2.1")
	s.Tracking.CheckQuality = true
	m := newMachine(s)
	m.connect("eth0")
	want := true
	for range 10000 {
		result := anyResult(random)
		switch {
		case !result.OK || result.Loss >= 40 || result.Latency >= time.Second:
			want = false
		case result.Loss <= 10 && result.Latency <= 500*time.Millisecond:
			want = true
		}
		if got := m.judge(0, result); got != want {
			t.Fatalf("%+v is %t", result, got)
		}
	}
}
