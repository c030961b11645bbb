//go:build go1.25

package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNamesAreResolvedApartAndAgainAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := section(9, 9, "name.example")
		s.Tracking.Interval, s.Tracking.FailureInterval = 5*time.Minute, 5*time.Minute
		b := newBench(t, s)
		b.start()
		b.after(10 * time.Minute)
		want := []string{"0 lookup ipv4 name.example", "0 probe 192.0.2.80", "300 probe 192.0.2.80",
			"600 lookup ipv4 name.example", "600 probe 192.0.2.80"}
		if diff := cmp.Diff(want, b.questions()); diff != "" {
			t.Error(diff)
		}
		b.answer = lost
		b.after(10 * time.Minute)
		want = []string{"900 probe 192.0.2.80", "1200 lookup ipv4 name.example", "1200 probe 192.0.2.80"}
		if diff := cmp.Diff(want, b.questions()); diff != "" {
			t.Error(diff)
		}
		b.stop()
	})
}

func TestANameThatCannotBeResolvedIsAFailedProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "name.example"))
		b.answer = lost
		b.start()
		b.expect(online0, first0, "0 lookup ipv4 name.example",
			`0 log Check (ping) failed for target "name.example" on interface wan (eth0). Current score: 4`,
			"0 log Interface wan (eth0): resolve name.example: no such host",
			"0 log Interface wan (eth0) is disconnecting", "0 call disconnecting wan eth0 first=false")
		b.stop()
	})
}
