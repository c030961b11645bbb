package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3track/probe"
)

func TestRoundTripsAreEstimatedAsRFC6298Says(t *testing.T) {
	var r roundTrip
	var got []roundTrip
	for _, ms := range []int{100, 100, 180, 20} {
		r.measure(time.Duration(ms) * time.Millisecond)
		got = append(got, r)
	}
	us := func(smoothed, variation float64) roundTrip {
		return roundTrip{time.Duration(smoothed * 1e3), time.Duration(variation * 1e3)}
	}
	want := []roundTrip{us(100000, 50000), us(100000, 37500), us(110000, 48125), us(98750, 58593.75)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(roundTrip{})); diff != "" {
		t.Error(diff)
	}
	if got, want := r.limit(), 333125*time.Microsecond; got != want {
		t.Errorf("the limit is %s, not %s", got, want)
	}
}

// patient is a machine that waits from 1 to 10 seconds.
func patient(targets ...string) *machine {
	s := section(1, 1, targets...)
	s.Tracking.Timeout, s.Tracking.TimeoutMax, s.Tracking.Reliability = time.Second, 10*time.Second, len(targets)
	m := newMachine(s)
	m.connect("eth0")
	return m
}

func TestTimeoutsFollowTheAnswers(t *testing.T) {
	fast, slow, slowest := quality(20, 0), quality(1000, 0), quality(9000, 0)
	for _, test := range []struct {
		name string
		give []probe.Result
		want time.Duration
	}{
		{"nothing measured", nil, time.Second},
		{"fast answers need no more than timeout", []probe.Result{fast, fast}, time.Second},
		{"a first slow one counts three times", []probe.Result{slow}, 3 * time.Second},
		{"the same again makes sure", []probe.Result{slow, slow}, 2500 * time.Millisecond},
		{"timeout_max is the most", []probe.Result{slowest}, 10 * time.Second},
		{"a bad round doubles it", []probe.Result{fast, lost}, 2 * time.Second},
		{"so does each", []probe.Result{fast, lost, lost, lost}, 8 * time.Second},
		{"up to timeout_max", []probe.Result{fast, lost, lost, lost, lost, lost}, 10 * time.Second},
		{"what was slow is doubled, too", []probe.Result{slow, lost}, 6 * time.Second},
		{"an answer ends that", []probe.Result{fast, lost, lost, fast}, time.Second},
		{"months of silence are no trouble", make([]probe.Result, 10000), 10 * time.Second},
	} {
		m := patient("192.0.2.1")
		for _, result := range test.give {
			playRound(m, result)
		}
		if got := m.timeout(); got != test.want {
			t.Errorf("%s: %s, not %s", test.name, got, test.want)
		}
	}
}

func TestTheSlowestTargetSetsTheTimeout(t *testing.T) {
	m := patient("192.0.2.1", "192.0.2.2", "192.0.2.3")
	playRound(m, quality(20, 0), quality(1000, 0), lost)
	if got := m.timeout(); got != 3*time.Second { // a bad round, but not a silent one
		t.Errorf("it is %s", got)
	}
	playRound(m, lost, lost, lost)
	if got := m.timeout(); got != 6*time.Second {
		t.Errorf("after a silent round it is %s", got)
	}
	m.connect("eth1")
	if got := m.timeout(); got != time.Second {
		t.Errorf("after an ifup it is %s", got)
	}
}

func TestTheTimeoutStaysWithoutTimeoutMax(t *testing.T) {
	for _, most := range []time.Duration{0, time.Second, 4 * time.Second} {
		s := section(3, 3, "192.0.2.1")
		s.Tracking.TimeoutMax = most
		m := newMachine(s)
		m.connect("eth0")
		playRound(m, quality(3900, 0))
		playRound(m, lost)
		if got := m.timeout(); got != 4*time.Second {
			t.Errorf("timeout_max %s: it is %s", most, got)
		}
	}
}
