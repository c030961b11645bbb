//go:build go1.25

package main

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/health"
	"mwan3/reply"
	"mwan3track/probe"
)

const online0 = "0 log Interface wan (eth0) is online"
const first0 = "0 call connected wan eth0 first=true"

func TestRoundsFollowTheIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.files("online 1 1000 0 1000 0 4 1")
		b.after(10 * time.Second)
		b.expect(online0, first0, "0 probe 192.0.2.7", "10 probe 192.0.2.7")
		b.files("online 1 1000 0 1010 0 4 2")
		b.answer = lost
		b.after(13 * time.Second)
		b.expect("20 probe 192.0.2.7",
			`20 log Check (ping) failed for target "192.0.2.7" on interface wan (eth0). Current score: 4`,
			"20 log Interface wan (eth0) is disconnecting", "20 call disconnecting wan eth0 first=false",
			"23 probe 192.0.2.7",
			`23 log Check (ping) failed for target "192.0.2.7" on interface wan (eth0). Current score: 3`,
			"23 log Interface wan (eth0) is offline", "23 apply disconnected", "23 call disconnected wan eth0 first=false")
		b.files("offline 1 0 1023 1023 2 0 4")
		b.stop()
		b.files("offline 1 0 1023 1023 2 0 4")
	})
}

func TestIfdownInterruptsAProbeAndIfupBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.hang = true
		b.start()
		b.after(time.Second)
		b.signal(syscall.SIGUSR1)
		b.expect(online0, first0, "0 probe 192.0.2.7", "1 log Detect ifdown event on interface wan (eth0)",
			"1 log Interface wan (eth0) is offline", "1 apply disconnected", "1 call disconnected wan eth0 first=false")
		b.files("disabled 0 0 1001 missing missing missing missing")
		b.after(time.Hour)
		b.expect()
		b.hang = false
		b.found.path.Device = "eth1"
		b.signal(syscall.SIGUSR2)
		b.expect("3601 log Detect ifup event on interface wan (eth0)", "3601 log Interface wan (eth1) is online",
			"3601 call connected wan eth1 first=true", "3601 probe 192.0.2.7")
		b.files("online 1 4601 0 4601 0 4 1")
		b.stop()
	})
}

func TestIfupDuringAProbeConnectsWithoutCountingIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(1, 1, "192.0.2.7", "192.0.2.8"))
		b.hang = true
		b.start()
		b.hang = false
		b.signal(syscall.SIGUSR2)
		b.expect(online0, first0, "0 probe 192.0.2.7", "0 log Detect ifup event on interface wan (eth0)",
			online0, first0, "0 probe 192.0.2.7")
		b.files("online 1 1000 0 1000 0 2 1")
		b.stop()
	})
}

func TestAReloadOfTheSameSettingsDisturbsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.after(4 * time.Second)
		b.signal(syscall.SIGHUP)
		b.missing = errors.New("read the configuration: no such file")
		b.signal(syscall.SIGHUP)
		b.after(6 * time.Second)
		b.expect(online0, first0, "0 probe 192.0.2.7",
			"4 log Interface wan: keeping the old configuration: read the configuration: no such file",
			"9 log Interface wan: keeping the old configuration: read the configuration: no such file", "10 probe 192.0.2.7")
		b.hang = true
		b.missing = nil
		b.after(10 * time.Second)
		b.signal(syscall.SIGHUP)
		b.expect("20 probe 192.0.2.7")
		b.stop()
	})
}

func TestChangedSettingsBeginAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.after(4 * time.Second)
		b.settings.section = section(3, 3, "192.0.2.9")
		b.settings.section.Tracking.Method = "smoke"
		b.signal(syscall.SIGHUP)
		b.expect(online0, first0, "0 probe 192.0.2.7",
			"4 log Unsupported tracking method: smoke", "4 log Using ping to track interface wan availability",
			"4 log Interface wan (eth0) is online", "4 call connected wan eth0 first=true", "4 probe 192.0.2.9")
		b.files("online 1 1004 0 1004 0 6 1")
		if old, new := b.file("TRACK_192.0.2.7"), b.file("TRACK_192.0.2.9"); old != "missing" || new != "up" {
			t.Errorf("old target %s, new target %s", old, new)
		}
		b.signal(syscall.SIGHUP) // the method is still one that ping stands in for
		b.after(6 * time.Second)
		b.expect()
		b.stop()
	})
}

func TestAnInterfaceThatIsNoLongerTrackedEndsTheTracker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.missing = reply.Untracked{Reason: "interface wan is not enabled"}
		b.notes = nil
		b.signal(syscall.SIGHUP)
		b.expect("0 log Interface wan: interface wan is not enabled")
		if err := <-b.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestPoliciesFollowWhatTheTrackerBeginsWith(t *testing.T) {
	for _, test := range []struct {
		name    string
		offline bool // initial_state
		before  health.State
		want    []string
	}{
		{"online as policies have it", false, health.Online, nil},
		{"offline as an earlier tracker said", false, health.Offline, nil},
		{"online, but taken down", false, health.Down, nil},
		{"offline as policies have it", true, health.Offline, nil},
		{"offline, and policies did not know", true, health.Online, []string{"0 apply disconnected"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := section(2, 2, "192.0.2.7")
			s.InitialOffline = test.offline
			b := newBench(t, s)
			b.hang = true
			if err := b.store.SetState("wan", test.before); err != nil {
				t.Fatal(err)
			}
			b.start()
			var got []string
			for _, note := range b.notes {
				if strings.Contains(note, "apply") {
					got = append(got, note)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s: %s", test.name, diff)
			}
			b.stop()
		})
	}
}

// After an upgrade or a crash: an interface that has failed gets no connections before it has answered again.
func TestATrackerThatIsStartedAgainGoesOnOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.hang = true
		if err := b.store.SetState("wan", health.Offline); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.files("offline 1 0 1000 missing missing missing missing")
		b.settings.section = section(3, 3, "192.0.2.9") // but what the user changes begins as the config says
		b.signal(syscall.SIGHUP)
		if got := b.store.Record("wan", nil).Status; got != health.StatusOnline {
			t.Errorf("with another target it begins %s", got)
		}
		b.stop()
	})
}

func TestWhatWasTakenDownStaysSoWhenTheTrackerBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		if err := b.store.SetState("wan", health.Down); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.files("disabled 0 missing missing missing missing missing missing")
		b.settings.section = section(3, 3, "192.0.2.9")
		b.signal(syscall.SIGHUP)
		b.expect()
		if err := b.store.SetState("wan", health.Online); err != nil {
			t.Fatal(err)
		}
		b.signal(syscall.SIGUSR2)
		b.expect("0 log Detect ifup event on interface wan ()", online0, first0, "0 probe 192.0.2.9")
		b.stop()
	})
}

func TestALookThatFailsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.blind = errors.New("netifd does not answer")
		b.start()
		b.files("missing missing missing missing missing missing missing missing")
		b.after(10 * time.Second)
		b.blind = nil
		b.after(10 * time.Second)
		b.expect("0 log Interface wan: netifd does not answer",
			"10 log Interface wan: netifd does not answer",
			"20 log Interface wan (eth0) is online", "20 call connected wan eth0 first=true", "20 probe 192.0.2.7")
		b.stop()
	})
}

func TestFailingProbesLookAtTheNetworkAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		old := b.found.path
		b.found.path.Source = netip.MustParseAddr("192.0.2.2")
		b.answer = lost
		b.after(10 * time.Second)
		b.answer = answered
		b.after(3 * time.Second)
		b.after(10 * time.Second)
		if diff := cmp.Diff([]probe.Path{old, b.found.path}, slices.Compact(b.opened), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
		b.stop()
	})
}

func TestATrackerWhoseDirectoryIsGoneComplainsOnceAndLeavesItAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.notes = nil
		if err := os.RemoveAll(b.store.TrackDir); err != nil {
			t.Fatal(err)
		}
		b.after(30 * time.Second)
		complaints := 0
		for _, note := range b.notes {
			if strings.Contains(note, "cannot write status") {
				complaints++
			}
		}
		if _, err := os.Stat(b.store.TrackDir); err == nil || complaints != 1 {
			t.Errorf("%d complaints, %v", complaints, err)
		}
		b.stop()
	})
}
