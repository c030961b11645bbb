package main

import (
	"fmt"
	"strings"
	"time"

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

// ask plays the targets' part of a round: they are asked in order until enough have answered.
func ask(m *machine, results ...probe.Result) []answer {
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
	return answers
}

// playRound plays a whole round. It ends 10 seconds after the last one.
func playRound(m *machine, results ...probe.Result) []action {
	return m.finish(m.told.Add(10*time.Second), ask(m, results...))
}

// player feeds a machine.
type player struct {
	*machine
	open [][]answer // rounds whose targets have answered
}

// play feeds one letter of a trace: + a good round, - a bad one, i one that is interrupted, D ifdown (SIGUSR1),
// U ifup (SIGUSR2), X ifup of an interface that is not up after all, x the carrier is lost, S SIGTERM; a and b the answers
// of a good and of a bad round whose end, f, comes later.
func (p *player) play(event rune) []action {
	switch event {
	case '+':
		return playRound(p.machine, answered)
	case '-':
		return playRound(p.machine, lost)
	case 'i':
		p.judge(0, lost)
		return nil
	case 'a':
		p.open = append(p.open, ask(p.machine, answered))
		return nil
	case 'b':
		p.open = append(p.open, ask(p.machine, lost))
		return nil
	case 'f':
		first := p.open[0]
		p.open = p.open[1:]
		return p.finish(p.told.Add(10*time.Second), first)
	}
	return p.signal(event)
}

func (p *player) signal(event rune) []action {
	switch event {
	case 'D':
		return p.ifdown()
	case 'U':
		return append(append([]action(nil), p.ifup()...), p.connect("eth0")...)
	case 'X':
		return append(append([]action(nil), p.ifup()...), p.connect("")...)
	case 'x':
		return p.cut("no carrier")
	case 'S':
		return p.stop()
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
