//go:build go1.25

package main

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSignalsWhileAVerdictIsAppliedAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.applying = 5 * time.Second
		b.after(time.Second)
		b.signal(syscall.SIGUSR1, syscall.SIGUSR1, syscall.SIGUSR2)
		b.expect(online0, first0, "0 probe 192.0.2.7", "1 log Detect ifdown event on interface wan (eth0)",
			"1 log Interface wan (eth0) is offline", "1 apply disconnected")
		b.after(10 * time.Second)
		b.expect("6 log Detect ifdown event on interface wan (eth0)", "6 log Detect ifup event on interface wan (eth0)",
			"6 log Interface wan (eth0) is online", "6 call disconnected wan eth0 first=false",
			"6 call connected wan eth0 first=true", "6 probe 192.0.2.7")
		b.stop()
	})
}

func TestAScriptThatTakesLongDelaysNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(1, 1, "192.0.2.7"))
		b.busy = time.Minute
		b.answer = lost
		b.start()
		b.answer = answered
		b.after(6 * time.Second)
		b.expect(online0, "0 log Check (ping) failed for target \"192.0.2.7\" on interface wan (eth0). Current score: 2",
			"0 log Interface wan (eth0) is disconnecting", "0 log Interface wan (eth0) is offline", "0 apply disconnected",
			first0, "0 probe 192.0.2.7",
			"3 log Check (ping) success for target \"192.0.2.7\" on interface wan (eth0). Current score: 0",
			"3 log Lost 1 ping(s) on interface wan (eth0). Current score: 0",
			"3 log Interface wan (eth0) is connecting", "3 log Interface wan (eth0) is online", "3 apply connected", "3 probe 192.0.2.7",
			"5 probe 192.0.2.7")
		b.stop()
		time.Sleep(b.busy) // the script goes on by itself
	})
}

func TestTermEndsEverythingAtOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(b *bench)
		want string
	}{
		{"a probe", func(b *bench) { b.hang = true }, "online"},
		{"a pause", func(*bench) {}, "online"},
		{"an event", func(b *bench) { b.busy = time.Hour }, "online"},
		{"a paused tracker", func(b *bench) { b.found.up = false }, "disabled"},
		{"a tracker that cannot look", func(b *bench) { b.blind = errors.New("no answer") }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, section(2, 2, "192.0.2.7"))
			test.set(b)
			b.start()
			b.notes = nil
			b.signal(syscall.SIGTERM)
			b.expect(fmt.Sprintf(`0 log Stopping mwan3track for interface "wan". Status was "%s"`, test.want))
			select {
			case err := <-b.ended:
				if err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
			default:
				t.Errorf("%s goes on", test.name)
			}
			time.Sleep(b.busy) // the event goes on by itself
		})
	}
}
