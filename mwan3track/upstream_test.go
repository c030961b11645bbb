package main

import (
	"fmt"
	"testing"
)

// upstream is its tracker's arithmetic (contracts 6.2 to 6.4), written down a second time and as plainly as it stands there,
// with two of its bugs left out: disconnecting is announced each time, and an ifup takes effect at once.
type upstream struct {
	up, down, score int
	initial, status string
	started         bool
	events          string
}

func (u *upstream) round(good bool) {
	switch {
	case !u.started:
	case good:
		u.score++
		if u.score <= u.up {
			u.announce("connecting", "c")
		}
		if u.score == u.up {
			u.connected("C")
		} else if u.score > u.up {
			u.status, u.score = "online", u.up+u.down
		}
	default:
		u.score--
		if u.score >= u.up {
			u.announce("disconnecting", "d")
		}
		if u.score == u.up {
			u.disconnected()
		} else if u.score < u.up {
			u.score = 0
		}
	}
}

func (u *upstream) announce(status, event string) {
	if u.status != status {
		u.status = status
		u.events += event
	}
}

func (u *upstream) connected(event string) {
	u.status, u.score = "online", u.up+u.down
	u.events += event
}

func (u *upstream) disconnected() {
	event := "s"
	if u.status == "online" || u.status == "disconnecting" {
		event = "D"
	}
	u.status, u.score = "offline", 0
	u.events += event
}

func (u *upstream) ifdown() {
	if u.started {
		u.disconnected()
		u.status, u.started = "disabled", false
	}
}

func (u *upstream) ifup() {
	if u.status != "online" {
		u.status = u.initial
	}
	u.started = true
	if u.status == "offline" {
		u.score = 0
		return
	}
	u.connected("1")
}

func (u *upstream) play(event byte) string {
	u.events = ""
	switch event {
	case '+', '-':
		u.round(event == '+')
	case 'D':
		u.ifdown()
	case 'U':
		u.ifup()
	}
	letter := map[string]string{"online": "o", "offline": "f", "disconnecting": "g", "connecting": "c", "disabled": "z"}
	return fmt.Sprint(u.score) + letter[u.status] + u.events
}

// compare plays a sequence to both and returns what the first difference is.
func compare(up, down int, initial, sequence string) string {
	s := section(up, down, "192.0.2.1")
	s.InitialOffline = initial == "offline"
	m := &player{machine: newMachine(s)}
	u := &upstream{up: up, down: down, initial: initial, score: up + down}
	m.connect("eth0")
	u.ifup()
	for i := range sequence {
		got, want := brief(m.machine, m.play(rune(sequence[i]))), u.play(sequence[i])
		if got != want {
			return fmt.Sprintf("up %d, down %d, initially %s, %s: got %s, want %s", up, down, initial, sequence[:i+1], got, want)
		}
	}
	return ""
}

// sequences calls a function with all words of a length.
func sequences(alphabet string, length int, word []byte, do func(string)) {
	if len(word) == length {
		do(string(word))
		return
	}
	for i := range alphabet {
		sequences(alphabet, length, append(word, alphabet[i]), do)
	}
}

func TestEverySequenceIsCountedAsUpstreamCounts(t *testing.T) {
	rounds, events := 11, 6
	if testing.Short() {
		rounds, events = 8, 5
	}
	for _, test := range []struct {
		alphabet string
		length   int
	}{{"+-", rounds}, {"+-DU", events}} {
		for up := 1; up <= 3; up++ {
			for down := 1; down <= 3; down++ {
				sequences(test.alphabet, test.length, nil, func(sequence string) {
					for _, initial := range []string{"online", "offline"} {
						if diff := compare(up, down, initial, sequence); diff != "" {
							t.Fatal(diff)
						}
					}
				})
			}
		}
	}
}
