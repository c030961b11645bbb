package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mwan3track/probe"
)

// TestRoundsAskSparesForFailuresAndLateAnswers plays rounds with a timeout of 4 s. Answers are "target+ms" when one comes
// and "target-ms" when the probe fails, at that time.
func TestRoundsAskSparesForFailuresAndLateAnswers(t *testing.T) {
	for _, test := range []struct {
		name          string
		targets, need int
		answers       string
		want          string // target@ms/timeout for each that is asked, and how the round ends
	}{
		{"all is well", 4, 1, "0+20", "0@0/4000 good@20"},
		{"two have to answer and are asked at once", 4, 2, "0+20 1+30", "0@0/4000 1@0/4000 good@30"},
		{"all have to answer", 3, 3, "0+20 1+30 2+10", "0@0/4000 1@0/4000 2@0/4000 good@30"},
		{"an answer in the first quarter is not late", 4, 1, "0+1000", "0@0/4000 good@1000"},
		{"a late answer lets a spare be asked", 4, 1, "1+1400", "0@0/4000 1@1334/2666 good@1400"},
		{"the late answer may be the first", 4, 1, "0+1500", "0@0/4000 1@1334/2666 good@1500"},
		{"nobody answers", 4, 1, "", "0@0/4000 1@1334/2666 2@1667/2333 3@2000/2000 bad@4000"},
		{"a single target", 1, 1, "", "0@0/4000 bad@4000"},
		{"one of two", 2, 2, "0+20", "0@0/4000 1@0/4000 bad@4000"},
		{"failures let spares be asked at once", 4, 1, "0-10 1-20 2-30 3-40", "0@0/4000 1@10/3990 2@20/3980 3@30/3970 bad@40"},
		{"a failure and a late answer", 3, 1, "0-10", "0@0/4000 1@10/3990 2@1500/2500 bad@4000"},
		{"a failure among those that have to answer", 3, 2, "0-10 1+20 2+40", "0@0/4000 1@0/4000 2@10/3990 good@40"},
		{"more have to answer than there are", 2, 3, "0+1 1+1", "0@0/4000 1@0/4000 bad@1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := playAnswers(new(round).renew(time.Time{}.Add(time.Hour), test.targets, test.need, 4*time.Second), test.answers); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// playAnswers lets time pass until the round is over. Probes that say nothing fail when their time is over.
func playAnswers(r *round, answers string) string {
	type end struct {
		at int
		ok bool
	}
	ends := map[int]end{}
	for _, answer := range strings.Fields(answers) {
		var target, at int
		if n, _ := fmt.Sscanf(strings.Replace(answer, "+", " ", 1), "%d %d", &target, &at); n == 2 {
			ends[target] = end{at, true}
		} else {
			fmt.Sscanf(strings.Replace(answer, "-", " ", 1), "%d %d", &target, &at)
			ends[target] = end{at, false}
		}
	}
	var story []string
	for ms := 0; ; ms++ {
		now := r.began.Add(time.Duration(ms) * time.Millisecond)
		for target := range r.answers {
			if e, ok := ends[target]; ok && e.at == ms && r.answers[target].asked {
				r.take(target, e.ok, probe.Result{OK: e.ok})
			}
		}
		if r.over(now) {
			return strings.Join(append(story, fmt.Sprintf("%s@%d", map[bool]string{true: "good", false: "bad"}[r.good()], ms)), " ")
		}
		for target, timeout, ok := r.next(now); ok; target, timeout, ok = r.next(now) {
			story = append(story, fmt.Sprintf("%d@%d/%d", target, ms, timeout.Milliseconds()))
			if _, ok := ends[target]; !ok {
				ends[target] = end{ms + int(timeout.Milliseconds()), false}
			}
		}
		if wake := r.wake(now); !wake.IsZero() && !wake.After(now) {
			panic("it wants to wake in the past")
		}
	}
}

func TestAStubbornRoundAsksAgain(t *testing.T) {
	for _, test := range []struct {
		name          string
		targets, need int
		answers       string
		want          string
	}{
		{"nobody answers", 1, 1, "", "0@0/4000 0@2000/2000 0@3500/1000 bad@4000"},
		{"an answer in the first half", 1, 1, "0+1900", "0@0/4000 good@1900"},
		{"an answer in the second", 1, 1, "0+2100", "0@0/4000 0@2000/2000 good@2100"},
		{"spares come first", 2, 1, "", "0@0/4000 1@2000/2000 0@2000/2000 0@3500/1000 1@3500/1000 bad@4000"},
		{"one that has failed is not asked again", 2, 1, "0-10", "0@0/4000 1@10/3990 1@2000/2000 1@3500/1000 bad@4000"},
		{"nor is one that has answered", 2, 2, "0+10", "0@0/4000 1@0/4000 1@2000/2000 1@3500/1000 bad@4000"},
	} {
		r := new(round).renew(time.Time{}.Add(time.Hour), test.targets, test.need, 4*time.Second)
		r.stubborn, r.deadline = true, r.began.Add(r.timeout)
		if got := playAnswers(r, test.answers); got != test.want {
			t.Errorf("%s: got  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestSparesWaitForAMethodThatSendsSeveralRequests(t *testing.T) {
	for answers, want := range map[string]string{
		"0+2020": "0@0/4000 good@2020",
		"1+3500": "0@0/4000 1@3334/1000 good@3500",
	} {
		r := new(round).renew(time.Time{}.Add(time.Hour), 4, 1, 4*time.Second)
		r.sending = 2 * time.Second
		if got := playAnswers(r, answers); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTheNextRoundOfAFailingOneBeginsAfterThreeQuarters(t *testing.T) {
	began := time.Time{}.Add(time.Hour)
	r := new(round).renew(began, 1, 1, 300*time.Millisecond)
	for _, test := range []struct{ pause, want time.Duration }{
		{100 * time.Millisecond, 225 * time.Millisecond},
		{time.Second, time.Second},
	} {
		if got := r.successor(test.pause, 300*time.Millisecond).Sub(began); got != test.want {
			t.Errorf("pause %s: got %s, want %s", test.pause, got, test.want)
		}
	}
}
