package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mwan3/config"
)

const ms = time.Millisecond

// quick is an interface whose death has to be seen in less than a second.
func quick(targets, need int) config.Interface {
	return scene{targets: targets, need: need}.section(paces()[2])
}

// script answers as it says, after milliseconds, and writes down who is asked when. It is silent from its end on.
type script struct {
	trips []int // of the questions in order; 0: no answer
	story []string
}

func (s *script) ask(now time.Duration, target int) (time.Duration, bool) {
	i := len(s.story)
	s.story = append(s.story, fmt.Sprintf("%d@%d", target, now.Milliseconds()))
	if i >= len(s.trips) || s.trips[i] == 0 {
		return 0, false
	}
	return time.Duration(s.trips[i]) * ms, true
}

// tell plays a script for a time and returns who was asked when, each question as target@ms, and how the score changed,
// as =score@ms.
func tell(s config.Interface, length time.Duration, trips ...int) string {
	script := &script{trips: trips}
	sim := newSimulation(s, script)
	var story []string
	for sim.now < length {
		score, asked, now := sim.machine.score, len(script.story), sim.now
		sim.step()
		if sim.machine.score != score {
			story = append(story, fmt.Sprintf("=%d@%d", sim.machine.score, now.Milliseconds()))
		}
		story = append(story, script.story[asked:]...)
	}
	return strings.Join(story, " ")
}

func TestRoundsArePaced(t *testing.T) {
	adaptive := quick(1, 1)
	adaptive.Tracking.TimeoutMax = time.Second
	for _, test := range []struct {
		name    string
		section config.Interface
		length  time.Duration
		trips   []int
		want    string
	}{
		{"a pause after the end of a good one", quick(1, 1), 400 * ms, []int{20, 30, 20, 20},
			"0@0 0@120 0@250 0@370"},
		{"without answers they overlap, and the verdict comes after 750 ms", quick(1, 1), 1100 * ms, nil,
			"0@0 0@150 0@225 0@262 =5@300 0@375 0@450 0@487 =4@525 0@600 0@675 0@712 =0@750 0@825 0@900 0@937"},
		{"an answer to the second question", quick(1, 1), 300 * ms, []int{0, 20},
			"0@0 0@150 0@270"},
		{"an answer to the next round counts for both", quick(1, 1), 400 * ms, []int{0, 0, 20, 20},
			"0@0 0@150 0@225 0@345"},
		{"a late answer counts for the next round only", quick(1, 1), 500 * ms, []int{320},
			"0@0 0@150 0@225 0@262 =5@300 =6@320 0@420"},
		{"one that is later by more than a third means nothing", quick(1, 1), 500 * ms, []int{405},
			"0@0 0@150 0@225 0@262 =5@300 0@375 0@450 0@487"},
		{"an answer to the next round counts for the first, not the other way round", quick(2, 2), 400 * ms, []int{0, 20, 0, 20},
			"0@0 1@0 0@150 0@225 1@225 1@375"},
		{"the timeout is doubled where it may be", adaptive, 1100 * ms, nil,
			"0@0 0@150 0@225 0@262 =5@300 0@375 0@450 0@487 =4@525 0@750 0@900 0@975 =0@1050"},
	} {
		if got := tell(test.section, test.length, test.trips...); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

// dying is a path that is well until it is dead for good.
type dying struct {
	death time.Duration
	first time.Duration // when the first probe was sent that was not answered; 0: none
}

func (d *dying) ask(now time.Duration, _ int) (time.Duration, bool) {
	if now < d.death {
		return 20 * ms, true
	}
	if d.first == 0 {
		d.first = now
	}
	return 0, false
}

func TestASilentDeathIsSeenInTime(t *testing.T) {
	for _, s := range []config.Interface{quick(1, 1), quick(2, 2), quick(3, 2), quick(4, 1), quick(4, 4)} {
		for death := 10 * time.Second; death < 10*time.Second+150*ms; death += ms {
			path := &dying{death: death}
			sim := newSimulation(s, path)
			for sim.tally.verdicts == 0 {
				sim.step()
			}
			if took := sim.since - path.first; took != 750*ms {
				t.Fatalf("%d of %d: %s", s.Tracking.Reliability, len(s.Tracking.Targets), took)
			}
		}
	}
}

func TestLossIsMeasuredAlsoWhereOtherAnswersCount(t *testing.T) {
	for _, p := range paces()[1:3] {
		s := scene{targets: 1, need: 1}.section(p)
		s.Tracking.QualityWindow = 5000
		w := newWeather(1)
		w.loss = 0.2
		sim := newSimulation(s, w)
		for sim.machine.turn < 5000 {
			sim.step()
		}
		if loss := sim.machine.targets[0].window.figures().Loss; loss < 19 || loss > 21 {
			t.Errorf("%s: %d %%", p.name, loss)
		}
	}
}
