package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3track/probe"
)

func TestScoresFollowTheRounds(t *testing.T) {
	const online, offline, notUp = 0, 1, 2 // how it begins: initial_state, or the interface not up
	for _, test := range []struct {
		up, down, begin int
		events, want    string
	}{
		{3, 3, online, "", "6o1"},
		{3, 3, online, "+", "6o1 6o"},
		{3, 3, online, "-", "6o1 5gd"},
		{3, 3, online, "--", "6o1 5gd 4g"},
		{3, 3, online, "---", "6o1 5gd 4g 0fD"},
		{3, 3, online, "----", "6o1 5gd 4g 0fD 0f"},
		{3, 3, online, "---+", "6o1 5gd 4g 0fD 1cc"},
		{3, 3, online, "---++", "6o1 5gd 4g 0fD 1cc 2c"},
		{3, 3, online, "---+++", "6o1 5gd 4g 0fD 1cc 2c 6oC"},
		{3, 3, online, "---++-", "6o1 5gd 4g 0fD 1cc 2c 0c"},
		{3, 3, online, "---+-+", "6o1 5gd 4g 0fD 1cc 0c 1c"},
		{3, 3, online, "--+", "6o1 5gd 4g 6o"},
		{3, 3, online, "--+-", "6o1 5gd 4g 6o 5gd"},
		{3, 3, online, "-+-+-+", "6o1 5gd 6o 5gd 6o 5gd 6o"},
		{3, 3, online, "---+++-", "6o1 5gd 4g 0fD 1cc 2c 6oC 5gd"},
		{3, 3, online, "---+++---", "6o1 5gd 4g 0fD 1cc 2c 6oC 5gd 4g 0fD"},
		{3, 3, online, "+-+----+++", "6o1 6o 5gd 6o 5gd 4g 0fD 0f 1cc 2c 6oC"},

		{3, 3, online, "D", "6o1 0zD"},
		{3, 3, online, "-D", "6o1 5gd 0zD"},
		{3, 3, online, "--D", "6o1 5gd 4g 0zD"},
		{3, 3, online, "---D", "6o1 5gd 4g 0fD 0zs"},
		{3, 3, online, "---+D", "6o1 5gd 4g 0fD 1cc 0zs"},
		{3, 3, online, "---+++D", "6o1 5gd 4g 0fD 1cc 2c 6oC 0zD"},
		{3, 3, online, "DD", "6o1 0zD 0z"},
		{3, 3, online, "DU", "6o1 0zD 6o1"},
		{3, 3, online, "DUD", "6o1 0zD 6o1 0zD"},
		{3, 3, online, "DU-", "6o1 0zD 6o1 5gd"},
		{3, 3, online, "U", "6o1 6o1"},
		{3, 3, online, "-U", "6o1 5gd 6o1"},
		{3, 3, online, "---U", "6o1 5gd 4g 0fD 6o1"},
		{3, 3, online, "---U---", "6o1 5gd 4g 0fD 6o1 5gd 4g 0fD"},
		{3, 3, online, "---+U", "6o1 5gd 4g 0fD 1cc 6o1"},
		{3, 3, online, "---DU---", "6o1 5gd 4g 0fD 0zs 6o1 5gd 4g 0fD"},
		{3, 3, online, "DX", "6o1 0zD 0z"},
		{3, 3, online, "X", "6o1 6z"},
		{3, 3, online, "XU", "6o1 6z 6o1"},
		{3, 3, online, "-XU", "6o1 5gd 5z 6o1"},

		{3, 3, offline, "", "0f"},
		{3, 3, offline, "+", "0f 1cc"},
		{3, 3, offline, "+++", "0f 1cc 2c 6oC"},
		{3, 3, offline, "-", "0f 0f"},
		{3, 3, offline, "+++U", "0f 1cc 2c 6oC 6o1"},
		{3, 3, offline, "+++-U", "0f 1cc 2c 6oC 5gd 0f"},
		{3, 3, offline, "+++D", "0f 1cc 2c 6oC 0zD"},
		{3, 3, offline, "+++DU", "0f 1cc 2c 6oC 0zD 0f"},
		{3, 3, offline, "+++DU+++", "0f 1cc 2c 6oC 0zD 0f 1cc 2c 6oC"},
		{3, 3, offline, "+U", "0f 1cc 0f"},
		{3, 3, offline, "D", "0f 0zs"},
		{3, 3, offline, "X", "0f 0z"},
		{3, 3, offline, "XU", "0f 0z 0f"},

		{3, 3, notUp, "", "6z"},
		{3, 3, notUp, "U", "6z 6o1"},
		{3, 3, notUp, "D", "6z 6z"},
		{3, 3, notUp, "DU", "6z 6z 6o1"},
		{3, 3, notUp, "X", "6z 6z"},

		{1, 1, online, "+", "2o1 2o"},
		{1, 1, online, "-", "2o1 0fdD"},
		{1, 1, online, "--", "2o1 0fdD 0f"},
		{1, 1, online, "-+-", "2o1 0fdD 2ocC 0fdD"},
		{2, 1, online, "-+-++", "3o1 0fdD 1cc 0c 1c 3oC"},
		{1, 2, online, "--+", "3o1 2gd 0fD 3ocC"},
		{1, 2, online, "-+-", "3o1 2gd 3o 2gd"},
		{1, 1, offline, "+", "0f 2ocC"},

		{5, 5, online, "-----+++++", "10o1 9gd 8g 7g 6g 0fD 1cc 2c 3c 4c 10oC"},
		{5, 5, online, "----+", "10o1 9gd 8g 7g 6g 10o"},
		{5, 5, online, "-----++++-+++++", "10o1 9gd 8g 7g 6g 0fD 1cc 2c 3c 4c 0c 1c 2c 3c 4c 10oC"},
		{8, 3, online, "---++++++++", "11o1 10gd 9g 0fD 1cc 2c 3c 4c 5c 6c 7c 11oC"},

		{3, 3, online, "i", "6o1 6o"},
		{3, 3, online, "iD", "6o1 6o 0zD"},
		{3, 3, online, "-iD", "6o1 5gd 5g 0zD"},
		{3, 3, online, "-iU", "6o1 5gd 5g 6o1"},
		{3, 3, online, "-iX", "6o1 5gd 5g 5z"},
		{3, 3, online, "--i-", "6o1 5gd 4g 4g 0fD"},
		{3, 3, online, "---i+", "6o1 5gd 4g 0fD 0f 1cc"},
		{3, 3, online, "---+iD", "6o1 5gd 4g 0fD 1cc 1c 0zs"},
		{3, 3, online, "---+iU", "6o1 5gd 4g 0fD 1cc 1c 6o1"},
		{3, 3, offline, "+iU", "0f 1cc 1c 0f"},
		{3, 3, offline, "iD", "0f 0f 0zs"},

		{3, 3, online, "x", "6o1 0fdD"},
		{3, 3, online, "+x", "6o1 6o 0fdD"},
		{3, 3, online, "-x", "6o1 5gd 0fD"},
		{3, 3, online, "--x", "6o1 5gd 4g 0fD"},
		{3, 3, online, "-+x", "6o1 5gd 6o 0fdD"},
		{3, 3, online, "---x", "6o1 5gd 4g 0fD 0f"},
		{3, 3, online, "xx", "6o1 0fdD 0f"},
		{3, 3, online, "xxx-", "6o1 0fdD 0f 0f 0f"},
		{3, 3, online, "x-+", "6o1 0fdD 0f 1cc"},
		{3, 3, online, "x+++", "6o1 0fdD 1cc 2c 6oC"},
		{3, 3, online, "x++x", "6o1 0fdD 1cc 2c 0c"},
		{3, 3, online, "x++x+++", "6o1 0fdD 1cc 2c 0c 1c 2c 6oC"},
		{3, 3, online, "x+++x", "6o1 0fdD 1cc 2c 6oC 0fdD"},
		{3, 3, online, "---+++x+++", "6o1 5gd 4g 0fD 1cc 2c 6oC 0fdD 1cc 2c 6oC"},
		{3, 3, online, "xD", "6o1 0fdD 0zs"},
		{3, 3, online, "Dx", "6o1 0zD 0z"},
		{3, 3, online, "DxU", "6o1 0zD 0z 6o1"},
		{3, 3, online, "xU", "6o1 0fdD 6o1"},
		{3, 3, online, "xUx", "6o1 0fdD 6o1 0fdD"},
		{3, 3, online, "xX", "6o1 0fdD 0z"},
		{3, 3, online, "xix", "6o1 0fdD 0f 0f"},
		{3, 3, offline, "x", "0f 0f"},
		{3, 3, offline, "+x", "0f 1cc 0c"},
		{3, 3, offline, "+x+", "0f 1cc 0c 1c"},
		{3, 3, offline, "+++x", "0f 1cc 2c 6oC 0fdD"},
		{3, 3, offline, "+++xU", "0f 1cc 2c 6oC 0fdD 0f"},
		{3, 3, notUp, "x", "6z 6z"},
		{3, 3, notUp, "xU", "6z 6z 6o1"},
		{1, 1, online, "x", "2o1 0fdD"},
		{1, 1, online, "x+x", "2o1 0fdD 2ocC 0fdD"},
		{2, 5, online, "x", "7o1 0fdD"},
		{2, 5, online, "----x", "7o1 6gd 5g 4g 3g 0fD"},

		{3, 3, online, "D+", "6o1 0zD 0z"},
		{3, 3, online, "D---+++", "6o1 0zD 0z 0z 0z 0z 0z 0z"},
		{3, 3, online, "X-", "6o1 6z 6z"},
		{3, 3, online, "S", "6o1 6o"},
		{3, 3, online, "S---", "6o1 6o 6o 6o 6o"},
		{3, 3, online, "-SDUXx+", "6o1 5gd 5g 5g 5g 5g 5g 5g"},
		{3, 3, online, "---+S++", "6o1 5gd 4g 0fD 1cc 1c 1c 1c"},
		{3, 3, online, "DSU", "6o1 0zD 0z 0z"},

		{3, 3, online, "af", "6o1 6o 6o"},
		{3, 3, online, "bf", "6o1 6o 5gd"},
		{3, 3, online, "abff", "6o1 6o 6o 6o 5gd"},
		{3, 3, online, "baff", "6o1 6o 6o 5gd 6o"},
		{3, 3, online, "bbfbff", "6o1 6o 6o 5gd 5g 4g 0fD"},
		{3, 3, online, "bbfbfafafaff", "6o1 6o 6o 5gd 5g 4g 4g 0fD 0f 1cc 1c 2c 6oC"},
		{3, 3, online, "b", "6o1 6o"},
		{3, 3, online, "bDf", "6o1 6o 0zD 0z"},
		{3, 3, online, "bxf", "6o1 6o 0fdD 0f"},
		{3, 3, online, "aSf", "6o1 6o 6o 6o"},
		{3, 3, online, "---aafxf", "6o1 5gd 4g 0fD 0f 0f 1cc 0c 1c"},
		{1, 1, online, "abff", "2o1 2o 2o 2o 0fdD"},
	} {
		s := section(test.up, test.down, "192.0.2.1")
		s.InitialOffline = test.begin == offline
		m := &player{machine: newMachine(s)}
		device := map[bool]string{true: "", false: "eth0"}[test.begin == notUp]
		trace := []string{brief(m.machine, m.connect(device))}
		for _, event := range test.events {
			trace = append(trace, brief(m.machine, m.play(event)))
		}
		if got := strings.Join(trace, " "); got != test.want {
			t.Errorf("up %d, down %d, begin %d, %q:\ngot  %s\nwant %s", test.up, test.down, test.begin, test.events, got, test.want)
		}
	}
}

func TestTheGoldenTraceOfUpstream(t *testing.T) {
	m := newMachine(section(3, 3, "192.0.2.1", "192.0.2.2"))
	m.connect("eth0")
	var trace []string
	for _, event := range "+-+----+++" {
		results := map[rune][]probe.Result{'+': {answered}, '-': {lost, lost}}[event]
		var end writeRound
		for _, a := range playRound(m, results...) {
			if round, ok := a.(writeRound); ok {
				end = round
			}
		}
		status := []string{string(m.targets[0].status), string(m.targets[1].status)}
		trace = append(trace, fmt.Sprintf("%d %d %d %s %s", end.Turn, end.Score, end.Lost, m.status, strings.Join(status, ",")))
	}
	want := []string{ // status of the fourth and fifth round: disconnecting is announced each time
		"1 6 0 online up,skipped", "2 5 2 disconnecting down,down", "3 6 0 online up,skipped",
		"4 5 2 disconnecting down,down", "5 4 4 disconnecting down,down", "6 0 6 offline down,down", "7 0 8 offline down,down",
		"8 1 0 connecting up,skipped", "9 2 0 connecting up,skipped", "1 6 0 online up,skipped",
	}
	if diff := cmp.Diff(want, trace); diff != "" {
		t.Error(diff)
	}
}

func TestPausesDependOnWhereTheScoreGoes(t *testing.T) {
	for _, test := range []struct {
		keep   bool
		events string
		want   string // seconds after each round: 10 interval, 3 failure_interval, 2 recovery_interval
	}{
		{false, "++", "10 10"},
		{false, "-+", "3 10"},
		{false, "--+", "3 3 10"},
		{false, "---", "3 3 3"},
		{false, "-----", "3 3 3 10 10"},
		{true, "-----", "3 3 3 3 3"},
		{false, "---+++", "3 3 3 2 2 2"},
		{false, "---++++", "3 3 3 2 2 2 10"},
		{false, "---+-+", "3 3 3 2 10 2"},
		{true, "---+-+", "3 3 3 2 3 2"},
		{false, "x+xx", "3 2 10 10"},
		{true, "x+xx", "3 2 3 3"},
	} {
		s := section(3, 3, "192.0.2.1")
		s.Tracking.KeepFailureInterval = test.keep
		m := &player{machine: newMachine(s)}
		m.connect("eth0")
		var pauses []string
		for _, event := range test.events {
			m.play(event)
			pauses = append(pauses, fmt.Sprint(m.pause.Seconds()))
		}
		if got := strings.Join(pauses, " "); got != test.want {
			t.Errorf("keep_failure_interval %t, %q: got %s, want %s", test.keep, test.events, got, test.want)
		}
	}
}

func TestReliabilityIsHowManyMustAnswer(t *testing.T) {
	up, down := answered, lost
	for _, test := range []struct {
		reliability int
		results     []probe.Result
		want        string // statuses of the targets, and how the round ended
	}{
		{1, []probe.Result{up, up, up}, "up skipped skipped good"},
		{1, []probe.Result{down, up, up}, "down up skipped good"},
		{1, []probe.Result{down, down, up}, "down down up good"},
		{1, []probe.Result{down, down, down}, "down down down bad"},
		{2, []probe.Result{up, up, up}, "up up skipped good"},
		{2, []probe.Result{up, down, up}, "up down up good"},
		{2, []probe.Result{up, down, down}, "up down down bad"},
		{3, []probe.Result{up, up, up}, "up up up good"},
		{3, []probe.Result{up, up, down}, "up up down bad"},
		{4, []probe.Result{up, up, up}, "up up up bad"},
	} {
		s := section(3, 3, "192.0.2.1", "192.0.2.2", "192.0.2.3")
		s.Tracking.Reliability = test.reliability
		m := newMachine(s)
		m.connect("eth0")
		var words []string
		for _, a := range playRound(m, test.results...) {
			if target, ok := a.(writeTarget); ok {
				words = append(words, string(target.Status))
			}
		}
		words = append(words, map[bool]string{true: "good", false: "bad"}[m.score == 6])
		if got := strings.Join(words, " "); got != test.want {
			t.Errorf("reliability %d: got %s, want %s", test.reliability, got, test.want)
		}
	}
}
