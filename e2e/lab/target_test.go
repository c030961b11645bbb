package lab_test

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"e2e/lab"
	"e2e/lab/labtest"
)

func TestTargetsDoWhatTheyAreToldAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		odd := l.Targets
		for _, test := range []struct {
			behaviour string
			want      seen
		}{
			{"silent", seen{false, "silence", "silence"}},
			{"only-ping", seen{true, "silence", "silence"}},
			{"silent-ping", seen{false, "isp1", "isp1"}},
			{"ping", seen{true, "isp1", "isp1"}},
			{"mute", seen{true, "silence", "isp1"}},
			{"closed", seen{true, "refused", "refused"}},
			{"refused-on-the-way", seen{true, "refused", "refused"}},
			{"unreachable", seen{false, "unreachable", "silence"}},
			{"honest", seen{true, "isp1", "isp1"}},
		} {
			for _, target := range targets {
				check(t, odd.Behave(netip.AddrPortFrom(target.Addr(), 0), test.behaviour))
				if got := look(l, target); got != test.want {
					t.Errorf("%s that is %s shows %+v, want %+v", target, test.behaviour, got, test.want)
				}
				neighbour := netip.AddrPortFrom(target.Addr().Next(), target.Port())
				if got, want := look(l, neighbour), (seen{true, "isp1", "isp1"}); got != want {
					t.Errorf("beside %s that is %s: %+v, want %+v", target, test.behaviour, got, want)
				}
			}
		}
	})
}

// seen is what the router sees of a target.
type seen struct {
	ping     bool
	tcp, udp string // an answer, or the error's text
}

func look(l *lab.Lab, target netip.AddrPort) seen {
	ask := func(network string) string {
		answer, err := l.Router.Ask(network, target, patience/2)
		if err != nil {
			return err.Error()
		}
		return answer
	}
	_, err := l.Router.Run("", "ping", "-c1", "-W0.2", target.Addr().String())
	return seen{err == nil, ask("tcp"), ask("udp")}
}

func TestPortsOfATargetAreToldApart(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		odd := l.Targets
		for _, target := range targets {
			check(t, odd.Behave(target, "closed"))
			check(t, odd.Behave(netip.AddrPortFrom(target.Addr(), 0), "silent"))
			if got, want := look(l, target), (seen{false, "refused", "refused"}); got != want {
				t.Errorf("%s: %+v, want %+v", target, got, want)
			}
			other := netip.AddrPortFrom(target.Addr(), 80)
			if got, want := look(l, other), (seen{false, "silence", "silence"}); got != want {
				t.Errorf("%s: %+v, want %+v", other, got, want)
			}
		}
	})
}

func TestNobodyCanBeToldWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		odd := draw(t, 1).Targets
		for behaviour, want := range map[string]string{
			"arp": "make 198.51.100.10:443 arp: no provider has it on its network",
			"odd": `"odd" is not among what targets do: honest, arp`,
		} {
			err := odd.Behave(targets[0], behaviour)
			if err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
				t.Errorf("%s: %v, want %s", behaviour, err, want)
			}
		}
	})
}

func TestProgramsOfTheRouterFindNamesUntilTheyAreTakenAway(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		odd := l.Targets
		check(t, l.FindNames())
		resolve := func() string {
			out, err := l.Router.Run("", "getent", "ahostsv4", "probe.example")
			if err != nil {
				return "nothing"
			}
			return out[:len("198.51.100.1x")]
		}
		for _, addr := range []string{"198.51.100.10", "198.51.100.11"} {
			check(t, odd.Name("probe.example", netip.MustParseAddr(addr), targets[1].Addr()))
			if got := resolve(); got != addr {
				t.Errorf("found %s, want %s", got, addr)
			}
		}
		check(t, odd.Name("probe.example"))
		if got := resolve(); got != "nothing" {
			t.Errorf("found %s, want nothing", got)
		}
	})
}

func TestAnOddTargetIsNotHonestOnItsWayToAnotherOddity(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		odd, target := l.Targets, targets[0]
		check(t, odd.Behave(target, "mute"))
		var asking sync.WaitGroup
		var done atomic.Bool
		asking.Go(func() {
			for !done.Load() {
				if answer, err := l.Router.Ask("tcp", target, 20*time.Millisecond); err == nil {
					t.Errorf("%s answered %q in between", target, answer)
				}
			}
		})
		for range 10 {
			for _, behaviour := range []string{"closed", "http", "silent", "mute"} {
				check(t, odd.Behave(target, behaviour))
			}
		}
		done.Store(true)
		asking.Wait()
	})
}
