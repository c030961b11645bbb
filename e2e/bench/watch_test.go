package main

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"e2e/lab"
	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func draw(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.New(2)
	check(t, err)
	return l
}

func TestKnockingTellsWhenEachFamilyWasAnsweredThroughTheProvider(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		k := &knocker{node: draw(t).Client1}
		begin := time.Now()
		there := <-k.start("isp1")
		check(t, there.err)
		for f, at := range there.at {
			if at.Before(begin) || at.After(time.Now()) {
				t.Errorf("%s was answered %v after the beginning", family(f), at.Sub(begin))
			}
		}
	})
}

func TestEachKnockIsAtAPortOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[unix.SockaddrInet4]bool{}
	for number := range 200_000 {
		to := *target(v4, number).(*unix.SockaddrInet4)
		if seen[to] || to.Port < 1024 || to.Port > 65535 {
			t.Fatalf("knock %d goes to %v", number, to)
		}
		seen[to] = true
	}
}

func TestTheWireSeesWhichProbesAreAnswered(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t)
		w, err := watchWire(l.Router, "wan0")
		check(t, err)
		defer w.close()
		begin := time.Now()
		for _, target := range []string{"198.51.100.1", "2001:db8:51::1"} {
			_, err := l.Router.Run("", "ping", "-c", "1", "-W", "5", target)
			check(t, err)
		}
		check(t, await(func() error { return (&stage{wire: w}).probed() }))
		cut := time.Now()
		check(t, l.ISPs[0].Drop())
		for _, target := range []string{"198.51.100.1", "2001:db8:51::1"} {
			if _, err := l.Router.Run("", "ping", "-c", "1", "-W", "0.1", target); err == nil {
				t.Errorf("%s answers though the provider drops everything", target)
			}
		}
		for f := range families {
			probes := w.seen(f)
			if len(probes) != 2 {
				t.Fatalf("%s: %d probes were seen, want 2", f, len(probes))
			}
			answered := probes[0].answered
			if probes[0].sent.Before(begin) || answered.Before(probes[0].sent) || answered.After(cut) {
				t.Errorf("%s: the first probe left after %v and was answered after %v, within %v",
					f, probes[0].sent.Sub(begin), answered.Sub(begin), cut.Sub(begin))
			}
			if at, ok := firstUnanswered(probes); !ok || at != probes[1].sent || at.Before(cut) {
				t.Errorf("%s: %v is the first unanswered one of %+v", f, at, probes)
			}
		}
	})
}

func TestTheFirstUnansweredProbeIsTheOneAfterTheLastAnsweredOne(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	at := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
	lost, answered := func(n int) probe { return probe{sent: at(n)} }, func(n int) probe { return probe{sent: at(n), answered: at(n)} }
	for _, c := range []struct {
		name   string
		probes []probe
		want   time.Time
	}{
		{"no probes", nil, time.Time{}},
		{"all answered", []probe{answered(1), answered(2)}, time.Time{}},
		{"none answered", []probe{lost(1), lost(2)}, at(1)},
		{"one lost earlier", []probe{answered(1), lost(2), answered(3), lost(4), lost(5)}, at(4)},
	} {
		got, ok := firstUnanswered(c.probes)
		if got != c.want || ok == c.want.IsZero() {
			t.Errorf("%s: %v, %v; want %v", c.name, got, ok, c.want)
		}
	}
}

func TestTheWitnessSeesVerdictsAndLoads(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t)
		for _, iface := range first() {
			check(t, os.MkdirAll(trackDir+iface, 0o755))
		}
		w, err := newWitness(l.Router, first())
		check(t, err)
		defer w.close()
		begin := time.Now()
		write := func(iface, status string) {
			check(t, os.WriteFile(trackDir+iface+"/.STATUS", []byte(status+"\n"), 0o644))
			check(t, os.Rename(trackDir+iface+"/.STATUS", trackDir+iface+"/STATUS"))
		}
		write("wan", "online")
		write("wan6", "offline")
		_, err = l.Router.Run("table inet bench {}\n", "nft", "-f", "-")
		check(t, err)
		check(t, await(func() error {
			if offline, loaded := w.account(v6, time.Now()); offline.Before(begin) || loaded.Before(begin) {
				return fmt.Errorf("offline %v, loaded %v; want both after %v", offline, loaded, begin)
			}
			return nil
		}))
		if offline, loaded := w.account(v4, begin); !offline.IsZero() || !loaded.IsZero() {
			t.Errorf("IPv4, which is online: %v; loaded before the beginning: %v", offline, loaded)
		}
	})
}

func TestEchoesAreReadFromPackets(t *testing.T) {
	t.Parallel()
	head4 := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 1, 1, 2, 198, 51, 100, 1}
	head6 := append([]byte{0x60, 0, 0, 0, 0, 8, 58, 64}, make([]byte, 32)...)
	copy(head6[8:], netip.MustParseAddr("2001:db8:51::1").AsSlice())
	copy(head6[24:], netip.MustParseAddr("fd00:1:1::2").AsSlice())
	join := func(head []byte, message ...byte) []byte { return append(append([]byte{}, head...), message...) }
	target4, target6 := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8:51::1")
	type result struct {
		Family family
		Echo   echo
		OK     bool
	}
	for _, c := range []struct {
		name   string
		packet []byte
		want   result
	}{
		{"request", join(head4, 8, 0, 0, 0, 1, 2, 3, 4), result{v4, echo{target4, 0x102, 0x304, false}, true}},
		{"reply", join(head6, 129, 0, 0, 0, 1, 2, 3, 4), result{v6, echo{target6, 0x102, 0x304, true}, true}},
		{"neighbour solicitation", join(head6, 135, 0, 0, 0, 0, 0, 0, 0), result{}},
		{"other family's type", join(head4, 128, 0, 0, 0, 1, 2, 3, 4), result{}},
		{"cut off", join(head4, 8, 0, 0), result{}},
		{"header that is longer than the packet", append([]byte{0x4f}, head4[1:]...), result{}},
		{"nothing", nil, result{}},
	} {
		var got result
		if got.Family, got.Echo, got.OK = parseEcho(c.packet); !got.OK {
			got = result{}
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(echo{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func FuzzEchoesOfAnyPacket(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 1, 1, 2, 198, 51, 100, 1, 8, 0, 0, 0, 1, 2, 3, 4})
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 8, 58, 64}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if family, e, ok := parseEcho(packet); ok && (e.target.Is4() != (family == v4)) {
			t.Errorf("%s, and a target of %s", family, e.target)
		}
	})
}
