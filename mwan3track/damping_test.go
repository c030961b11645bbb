package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/hotplug"
)

// dampedPlayer has a machine with a half-life of ten minutes.
func dampedPlayer(up, down int) *player {
	s := section(up, down, "192.0.2.1")
	s.Tracking.FlapDamping = 10 * time.Minute
	return &player{machine: newMachine(s)}
}

func TestFailuresHoldAnInterfaceOffline(t *testing.T) {
	for _, test := range []struct {
		name         string
		up, down     int
		events, want string // rounds are 10 seconds apart
	}{
		{"two failures do not", 2, 1, "-++-++", "3o1 0fdD 1cc 3oC 0fdD 1cc 3oC"},
		{"the third does", 2, 1, "-++-++-+++++", "3o1 0fdD 1cc 3oC 0fdD 1cc 3oC 0fdD 1cc 1c 1c 1c 1c"},
		{"bad rounds go on to count", 2, 1, "-++-++-++-+", "3o1 0fdD 1cc 3oC 0fdD 1cc 3oC 0fdD 1cc 1c 0c 1c"},
		{"a score of one is enough", 1, 1, "-+-+-++-+", "2o1 0fdD 2ocC 0fdD 2ocC 0fdD 0cc 0c 0c 0c"},
		{"lost carriers count, too", 2, 3, "x++x++x+++", "5o1 0fdD 1cc 5oC 0fdD 1cc 5oC 0fdD 1cc 1c 1c"},
		{"an ifup forgives", 2, 1, "-++-++-++U-++", "3o1 0fdD 1cc 3oC 0fdD 1cc 3oC 0fdD 1cc 1c 3o1 0fdD 1cc 3oC"},
		{"an ifdown ends it as ever", 2, 1, "-++-++-++D", "3o1 0fdD 1cc 3oC 0fdD 1cc 3oC 0fdD 1cc 1c 0zs"},
		{"a verdict for bad is never late", 2, 2, "--++--++-x++", "4o1 3gd 0fD 1cc 4oC 3gd 0fD 1cc 4oC 3gd 0fD 1cc 1c"},
	} {
		m := dampedPlayer(test.up, test.down)
		trace := []string{brief(m.machine, m.connect("eth0"))}
		for _, event := range test.events {
			trace = append(trace, brief(m.machine, m.play(event)))
		}
		if got := strings.Join(trace, " "); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestHoldingEndsWhenThePenaltyHasFallen(t *testing.T) {
	m := dampedPlayer(1, 1)
	m.connect("eth0")
	for _, event := range "-+-+-" {
		m.play(event)
	}
	begin, rounds := m.told, 0
	for m.status != "online" && rounds < 1000 {
		m.play('+')
		rounds++
	}
	// Failures at 0, 20 and 40 seconds: 1 + 2^(-20/600) + 2^(-40/600) = 2.932, which takes 10 minutes * log2(2.932) to reach 1.
	if got, want := m.told.Sub(begin), 940*time.Second; got != want {
		t.Errorf("held for %s, not for %s", got, want)
	}
}

func TestHoldingIsLogged(t *testing.T) {
	m := dampedPlayer(1, 1)
	m.connect("eth0")
	var got []string
	for _, event := range "-+-+-+" + strings.Repeat("+", 100) {
		for _, line := range lines(m.play(event)) {
			if strings.Contains(line, "held") {
				got = append(got, line)
			}
		}
	}
	want := []string{
		"log 5 Interface wan (eth0) fails too often: held offline for 15m31s (flap_damping)",
		"log 5 Interface wan (eth0) is not held offline any more (flap_damping)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDampingIsOffByDefault(t *testing.T) {
	m := &player{machine: newMachine(section(1, 1, "192.0.2.1"))}
	m.connect("eth0")
	for range 100 {
		m.play('-')
		if m.play('+'); m.status != "online" {
			t.Fatal("it is held")
		}
	}
}

func TestDampingDelaysNoDisconnected(t *testing.T) {
	plain, damped := &player{machine: newMachine(section(2, 3, "192.0.2.1"))}, dampedPlayer(2, 3)
	plain.connect("eth0")
	damped.connect("eth0")
	sequences("+-x", 8, nil, func(sequence string) {
		plain.play('U')
		damped.play('U')
		for _, event := range sequence {
			online := damped.status == "online" || damped.status == "disconnecting"
			want, got := plain.play(event), damped.play(event)
			if online && disconnected(want) != disconnected(got) {
				t.Fatalf("%s differs", sequence)
			}
		}
	})
}

func disconnected(actions []action) bool {
	for _, a := range actions {
		if event, ok := a.(announce); ok && event.Action == hotplug.Disconnected {
			return true
		}
	}
	return false
}

func TestAPenaltyOfTwoDoesNotHold(t *testing.T) {
	d := damping{halfLife: time.Hour}
	for n, want := range []bool{false, false, true} {
		d.fail()
		if d.settle(time.Unix(1e9, 0)); d.held != want {
			t.Errorf("after %d failures at once it is held: %t", n+1, d.held)
		}
	}
}

func TestAPenaltyHalves(t *testing.T) {
	d := damping{halfLife: time.Minute}
	begin := time.Unix(1e9, 0)
	d.fail()
	d.settle(begin)
	for _, test := range []struct {
		after time.Duration
		want  float64
	}{{0, 1}, {30 * time.Second, math.Sqrt(0.5)}, {time.Minute, 0.5}, {59 * time.Second, 0.5}, {3 * time.Minute, 0.125}, {1e6 * time.Minute, 0}} {
		d.settle(begin.Add(test.after))
		if math.Abs(d.penalty-test.want) > 0.01 {
			t.Errorf("after %s it is %g, not %g", test.after, d.penalty, test.want)
		}
	}
}
