package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"e2e/lab"
	"e2e/lab/labtest"
	"e2e/probes"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func draw(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.New(2)
	labtest.Check(t, err)
	return l
}

func TestKnockingTellsWhenEachFamilyWasAnsweredThroughTheProvider(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		k := &knocker{node: draw(t).Client1}
		begin := time.Now()
		there := <-k.start("isp1")
		labtest.Check(t, there.err)
		for f, at := range there.at {
			if at.Before(begin) || at.After(time.Now()) {
				t.Errorf("%s was answered %v after the beginning", probes.Family(f), at.Sub(begin))
			}
		}
	})
}

func TestEachKnockIsAtAPortOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[unix.SockaddrInet4]bool{}
	for number := range 200_000 {
		to := *target(probes.V4, number).(*unix.SockaddrInet4)
		if seen[to] || to.Port < 1024 || to.Port > 65535 {
			t.Fatalf("knock %d goes to %v", number, to)
		}
		seen[to] = true
	}
}

func TestTheWitnessSeesVerdictsAndLoads(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t)
		for _, iface := range first() {
			labtest.Check(t, os.MkdirAll(trackDir+iface, 0o755))
		}
		w, err := newWitness(l.Router, first())
		labtest.Check(t, err)
		defer w.close()
		begin := time.Now()
		write := func(iface, status string) {
			labtest.Check(t, os.WriteFile(trackDir+iface+"/.STATUS", []byte(status+"\n"), 0o644))
			labtest.Check(t, os.Rename(trackDir+iface+"/.STATUS", trackDir+iface+"/STATUS"))
		}
		write("wan", "online")
		write("wan6", "offline")
		_, err = l.Router.Run("table inet bench {}\n", "nft", "-f", "-")
		labtest.Check(t, err)
		labtest.Check(t, await(func() error {
			if offline, loaded := w.account(probes.V6, time.Now()); offline.Before(begin) || loaded.Before(begin) {
				return fmt.Errorf("offline %v, loaded %v; want both after %v", offline, loaded, begin)
			}
			return nil
		}))
		if offline, loaded := w.account(probes.V4, begin); !offline.IsZero() || !loaded.IsZero() {
			t.Errorf("IPv4, which is online: %v; loaded before the beginning: %v", offline, loaded)
		}
	})
}
