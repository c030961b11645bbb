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

func TestSignalsDuringAnEventAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.busy = 5 * time.Second
		b.start()
		b.after(time.Second)
		b.signal(syscall.SIGUSR2, syscall.SIGUSR1)
		b.expect(online0, first0)
		b.after(15 * time.Second)
		b.expect("5 probe 192.0.2.7", "5 log Detect ifdown event on interface wan (eth0)", "5 log Interface wan (eth0) is offline",
			"5 apply disconnected", "5 call disconnected wan eth0 first=false",
			"10 log Detect ifup event on interface wan (eth0)", "10 log Interface wan (eth0) is online",
			"10 call connected wan eth0 first=true", "15 probe 192.0.2.7")
		b.busy = 0
		b.stop()
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
