//go:build go1.25

package main

import (
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/iproute"
	"mwan3/network"
)

func (b *bench) event(event iproute.Event) {
	b.publish()
	b.events <- event
	synctest.Wait()
}

func TestALostCarrierIsAVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.after(4 * time.Second)
		b.expect(online0, first0, "0 probe 192.0.2.7")
		b.answer = lost
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 8})
		b.expect()
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7})
		b.expect("4 log Interface wan (eth0): its device cannot send any more", "4 log Interface wan (eth0) is disconnecting",
			"4 log Interface wan (eth0) is offline", "4 apply disconnected",
			"4 call disconnecting wan eth0 first=false", "4 call disconnected wan eth0 first=false")
		b.files("offline 1 0 1004 1000 0 0 1")
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7})
		b.expect()
		b.answer = answered
		b.event(iproute.Event{Kind: iproute.LinkChange, Index: 7, Running: true})
		b.after(20 * time.Millisecond)
		b.expect(`4.02 log Check (ping) success for target "192.0.2.7" on interface wan (eth0). Current score: 0`,
			"4.02 log Interface wan (eth0) is connecting", "4.02 call connecting wan eth0 first=false", "4.02 probe 192.0.2.7")
		b.stop()
	})
}

func TestAnAddressThatChangesIsFollowedWithoutAFailedProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.notes = nil
		b.found.path.Source = netip.MustParseAddr("192.0.2.99")
		b.after(4 * time.Second)
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 7, Gone: true, Family: network.IPv4})
		b.after(10 * time.Millisecond)
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 7, Family: network.IPv4})
		b.after(10 * time.Millisecond)
		b.expect("4.02 log Interface wan (eth0) is tracked from 192.0.2.99 now", "4.02 probe 192.0.2.7")
		b.files("online 1 1000 0 1004 0 4 2")
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 7, Family: network.IPv6})
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 8, Family: network.IPv4})
		b.after(10 * time.Second)
		b.expect("14.02 probe 192.0.2.7")
		b.stop()
	})
}

func TestALostAddressIsAVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.notes = nil
		b.found.path.Source = netip.Addr{}
		b.event(iproute.Event{Kind: iproute.AddrChange, Index: 7, Gone: true, Family: network.IPv4})
		b.after(20 * time.Millisecond)
		b.expect("0.02 log Interface wan (eth0): it has lost its address", "0.02 log Interface wan (eth0) is disconnecting",
			"0.02 log Interface wan (eth0) is offline", "0.02 apply disconnected",
			"0.02 call disconnecting wan eth0 first=false", "0.02 call disconnected wan eth0 first=false")
		b.stop()
	})
}

func TestAReloadLooksAtTheNetworkAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, section(2, 2, "192.0.2.7"))
		b.start()
		b.notes = nil
		b.found.path.Device = "eth1"
		b.signal(syscall.SIGHUP)
		b.expect("0 log Interface wan (eth1) is tracked from 192.0.2.1 now", "0 probe 192.0.2.7")
		b.stop()
	})
}

func TestRoundsWithoutAnswersOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := section(3, 3, "192.0.2.7")
		s.Tracking.Timeout, s.Tracking.Interval = 4*time.Second, time.Second
		s.Tracking.FailureInterval = time.Second
		b := newBench(t, s)
		b.start()
		b.notes = nil
		b.hang = true
		b.after(11 * time.Second)
		failed := ` log Check (ping) failed for target "192.0.2.7" on interface wan (eth0). Current score: `
		b.expect("1 probe 192.0.2.7", "3 probe 192.0.2.7", "4 probe 192.0.2.7", "4.5 probe 192.0.2.7",
			"5"+failed+"6", "5 log Interface wan (eth0) is disconnecting", "5 call disconnecting wan eth0 first=false",
			"6 probe 192.0.2.7", "7 probe 192.0.2.7", "7.5 probe 192.0.2.7", "8"+failed+"5",
			"9 probe 192.0.2.7", "10 probe 192.0.2.7", "10.5 probe 192.0.2.7", "11"+failed+"4",
			"11 log Interface wan (eth0) is offline", "11 apply disconnected", "11 call disconnected wan eth0 first=false")
		b.stop()
	})
}

func TestARoundThatFailsAtOnceIsFollowedAfterThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := section(5, 5, "192.0.2.7")
		s.Tracking.Timeout, s.Tracking.FailureInterval = 4*time.Second, time.Second
		b := newBench(t, s)
		b.answer = lost
		b.start()
		b.after(3 * time.Second)
		if diff := cmp.Diff([]string{"0 probe 192.0.2.7", "1 probe 192.0.2.7", "2 probe 192.0.2.7", "3 probe 192.0.2.7"}, b.questions()); diff != "" {
			t.Error(diff)
		}
		b.stop()
	})
}
