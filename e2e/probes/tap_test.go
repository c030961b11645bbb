package probes_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"e2e/lab"
	"e2e/lab/labtest"
	"e2e/probes"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func TestATapSeesWhichProbesAreAnswered(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l, err := lab.New(1)
		labtest.Check(t, err)
		tap, err := l.Router.Watch("wan0")
		labtest.Check(t, err)
		defer tap.Close()
		begin := time.Now()
		for _, target := range []string{"198.51.100.1", "2001:db8:51::1"} {
			_, err := l.Router.Run("", "ping", "-c", "1", "-W", "5", target)
			labtest.Check(t, err)
		}
		awaitAnswers(t, tap)
		cut := time.Now()
		labtest.Check(t, l.ISPs[0].Drop())
		for _, target := range []string{"198.51.100.1", "2001:db8:51::1"} {
			if _, err := l.Router.Run("", "ping", "-c", "1", "-W", "0.1", target); err == nil {
				t.Errorf("%s answers though the provider drops everything", target)
			}
		}
		for f := range probes.Families {
			seen := tap.Seen(f)
			if len(seen) != 2 {
				t.Fatalf("%s: %d probes were seen, want 2", f, len(seen))
			}
			answered := seen[0].Answered
			if seen[0].Sent.Before(begin) || answered.Before(seen[0].Sent) || answered.After(cut) {
				t.Errorf("%s: the first probe left after %v and was answered after %v, within %v",
					f, seen[0].Sent.Sub(begin), answered.Sub(begin), cut.Sub(begin))
			}
			if at, ok := probes.FirstUnanswered(seen); !ok || at != seen[1].Sent || at.Before(cut) {
				t.Errorf("%s: %v is the first unanswered one of %+v", f, at, seen)
			}
		}
	})
}

// awaitAnswers waits until a probe of each family was answered: the tap reads a little later than ping.
func awaitAnswers(t *testing.T, tap *probes.Tap) {
	t.Helper()
	for f := range probes.Families {
		answered := func(p probes.Probe) bool { return !p.Answered.IsZero() }
		for end := time.Now().Add(5 * time.Second); !slices.ContainsFunc(tap.Seen(f), answered); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: no probe was answered", f)
			}
		}
	}
}
