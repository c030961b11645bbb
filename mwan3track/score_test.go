package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/health"
	"mwan3track/probe"
)

var answered = probe.Result{OK: true, Latency: 23 * time.Millisecond}
var lost = probe.Result{Loss: 100}

func section(up, down int, targets ...string) config.Interface {
	return config.Interface{Name: "wan", ID: 1, Enabled: true, Tracking: config.Tracking{
		Targets: targets, Method: config.Ping, Reliability: 1, Count: 1, Size: 56, MaxTTL: 60, Timeout: 4 * time.Second,
		Interval: 10 * time.Second, FailureInterval: 3 * time.Second, RecoveryInterval: 2 * time.Second, Up: up, Down: down,
		FailureLatency: time.Second, FailureLoss: 40, RecoveryLatency: 500 * time.Millisecond, RecoveryLoss: 10,
	}}
}

// round plays a round in which the targets are asked in order until enough have answered.
func round(m *machine, results ...probe.Result) []action {
	answers := make([]answer, len(m.tracking.Targets))
	ups := 0
	for i, result := range results {
		if ups < m.tracking.Reliability {
			answers[i] = answer{asked: true, up: m.judge(i, result), result: result}
		}
		if answers[i].up {
			ups++
		}
	}
	return m.finish(answers)
}

// play feeds one letter of a trace: + a good round, - a bad one, i one that is interrupted, D ifdown (SIGUSR1),
// U ifup (SIGUSR2), X ifup of an interface that is not up after all.
func play(m *machine, event rune) []action {
	switch event {
	case '+':
		return round(m, answered)
	case '-':
		return round(m, lost)
	case 'i':
		m.judge(0, lost)
		return nil
	case 'D':
		return m.ifdown()
	case 'U':
		return append(append([]action(nil), m.ifup()...), m.connect("eth0")...)
	case 'X':
		return append(append([]action(nil), m.ifup()...), m.connect("")...)
	}
	panic(event)
}

// brief is the score, a letter for the status (o online, f offline, g disconnecting, c connecting, z disabled), and one
// for each event (1 connected for the first time, C connected, D disconnected, d disconnecting, c connecting, s skipped).
func brief(m *machine, actions []action) string {
	status := map[health.Status]string{"online": "o", "offline": "f", "disconnecting": "g", "connecting": "c", "disabled": "z"}
	text := fmt.Sprint(m.score) + status[m.status]
	for _, a := range actions {
		switch a := a.(type) {
		case announce:
			text += map[bool]string{true: "1", false: string(letter(string(a.Action)))}[a.First]
		case say:
			if strings.HasPrefix(a.Text, "Skip disconnected event") {
				text += "s"
			}
		}
	}
	return text
}

func letter(action string) byte {
	return map[string]byte{"connected": 'C', "disconnected": 'D', "connecting": 'c', "disconnecting": 'd'}[action]
}

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
	} {
		s := section(test.up, test.down, "192.0.2.1")
		s.InitialOffline = test.begin == offline
		m := newMachine(s)
		device := map[bool]string{true: "", false: "eth0"}[test.begin == notUp]
		trace := []string{brief(m, m.connect(device))}
		for _, event := range test.events {
			trace = append(trace, brief(m, play(m, event)))
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
		status := []string{}
		var end writeRound
		for _, a := range round(m, results...) {
			switch a := a.(type) {
			case writeTarget:
				status = append(status, string(a.Status))
			case writeRound:
				end = a
			}
		}
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
	} {
		s := section(3, 3, "192.0.2.1")
		s.Tracking.KeepFailureInterval = test.keep
		m := newMachine(s)
		m.connect("eth0")
		var pauses []string
		for _, event := range test.events {
			play(m, event)
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
		for _, a := range round(m, test.results...) {
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
