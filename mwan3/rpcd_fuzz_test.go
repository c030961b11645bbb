package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"mwan3/network"
	"mwan3/ubus"
)

// trackerFiles are those that an interface's tracker writes.
func trackerFiles() []string {
	return []string{"PID", "STATUS", "STARTED", "ONLINE", "OFFLINE", "TIME", "LOST", "SCORE", "TURN", "LATENCY", "LOSS",
		"JITTER", "TRACK_198.51.100.10", "LATENCY_198.51.100.10", "LOSS_198.51.100.10", "JITTER_198.51.100.10",
		"TRACK_host.example", "LATENCY_host.example", "LOSS_host.example", "JITTER_host.example"}
}

func FuzzTheAnswerIsValidWhateverTheStateFilesHold(f *testing.F) {
	for _, text := range []string{"", "\n", "online\n", "onl", "1\n", "-1\n", "2147483647\n", "2147483648\n", "9e9\n", "nan\n",
		"\xff\xfe\"\\\n", "\x00", "up\nup\n", strings.Repeat("7", 100)} {
		f.Add([]byte(text), uint32(math.MaxUint32))
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint32) {
		v := sight(t, twoUplinks(), map[string]network.Interface{"wan": {Up: true, Uptime: which}})
		for i, name := range trackerFiles() {
			if which&(1<<i) != 0 {
				put(t, v, "wan/"+name, string(text))
			}
		}
		answer, err := question{}.answer(v)
		if err != nil {
			t.Fatal(err)
		}
		checkTypes(t, ubus.AppendJSON(nil, answer))
	})
}

// shape is the answer with the documented types.
type shape struct {
	Interfaces map[string]struct {
		Age, Online, Offline, Uptime, Score, Lost, Turn *uint32
		Status, Tracking                                string
		Enabled, Running, Up, Routed                    *bool
		TrackIP                                         []targetShape `json:"track_ip"`
		figureShape
	}
	Connected map[string][]string
	Policies  map[string]map[string][]struct {
		Interface string
		Percent   *uint32
	}
}

type targetShape struct {
	IP, Status string
	figureShape
}

type figureShape struct{ Latency, PacketLoss, Jitter *uint32 }

// checkTypes fails unless an answer has all the documented fields and no others, with values that 32 bits have room for.
func checkTypes(t *testing.T, answer []byte) {
	t.Helper()
	var got shape
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	if len(got.Interfaces) != 2 || len(got.Connected) != 2 || len(got.Policies) != 2 {
		t.Fatalf("something is missing in %s", answer)
	}
	for name, iface := range got.Interfaces {
		numbers := []*uint32{iface.Age, iface.Online, iface.Offline, iface.Uptime, iface.Score, iface.Lost, iface.Turn}
		numbers = append(numbers, iface.Latency, iface.PacketLoss, iface.Jitter)
		for _, target := range iface.TrackIP {
			numbers = append(numbers, target.Latency, target.PacketLoss, target.Jitter)
			oneOf(t, target.Status, "up", "down", "skipped", "unknown")
		}
		for _, number := range numbers {
			if number == nil || *number > math.MaxInt32 {
				t.Fatalf("%s: a number is missing or too large in %s", name, answer)
			}
		}
		oneOf(t, iface.Status, "online", "offline", "connecting", "disconnecting", "disabled", "notracking", "unknown")
		oneOf(t, iface.Tracking, "active", "paused", "down", "disabled")
		if iface.Enabled == nil || iface.Running == nil || iface.Up == nil || iface.Routed == nil || iface.TrackIP == nil {
			t.Fatalf("%s: a field is missing in %s", name, answer)
		}
	}
}

func oneOf(t *testing.T, word string, known ...string) {
	t.Helper()
	for _, k := range known {
		if k == word {
			return
		}
	}
	t.Errorf("%q is none of %q", word, known)
}
