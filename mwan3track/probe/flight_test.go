package probe

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// at is a moment, in milliseconds from the first request.
func at(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }

func TestAProbeEndsAsPingDoes(t *testing.T) {
	type step struct {
		at    int // milliseconds
		reply int // number of the request that is answered, -1 = a request is sent
		until int // how long to wait then
	}
	const sent = -1
	for _, test := range []struct {
		name  string
		count int
		steps []step
		done  bool
		want  Result
	}{
		{"nothing was answered: timeout after the last request", 1, []step{{0, sent, 4000}}, false, Result{Loss: 100}},
		{"timeout counts from the last request", 3, []step{{0, sent, 1000}, {1000, sent, 2000}, {2000, sent, 6000}}, false, Result{Loss: 100}},
		{"all answered: at once", 1, []step{{0, sent, 4000}, {30, 0, 1000}}, true, Result{OK: true, Latency: 30 * time.Millisecond}},
		{"the next request is not sent early", 2, []step{{0, sent, 1000}, {30, 0, 1000}}, false,
			Result{OK: true, Latency: 30 * time.Millisecond, Loss: 50}},
		{"the rest gets a second when answers are fast", 2, []step{{0, sent, 1000}, {30, 0, 1000}, {1000, sent, 2000}}, false,
			Result{OK: true, Latency: 30 * time.Millisecond, Loss: 50}},
		{"the rest gets twice the longest trip when answers are slow", 2, []step{{0, sent, 1000}, {900, 0, 1000}, {1000, sent, 2800}}, false,
			Result{OK: true, Latency: 900 * time.Millisecond, Loss: 50}},
		{"a late answer to an earlier request counts", 2, []step{{0, sent, 1000}, {1000, sent, 5000}, {2500, 0, 6000}, {2600, 1, 6000}}, true,
			Result{OK: true, Latency: 2050 * time.Millisecond}},
		{"loss is rounded down", 3, []step{{0, sent, 1000}, {10, 0, 1000}, {1000, sent, 2000}, {1010, 1, 2000}, {2000, sent, 3000}}, false,
			Result{OK: true, Latency: 10 * time.Millisecond, Loss: 33}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFlight(terms{count: test.count, need: 1, timeout: 4 * time.Second}, 65535)
			f.begin()
			for i, step := range test.steps {
				if step.reply == sent {
					if !f.due(at(step.at)) {
						t.Errorf("step %d: no request is due", i)
					}
					f.next(at(step.at))
				} else if reason := f.answer(65535+uint16(step.reply), at(step.at)); reason != Accepted {
					t.Errorf("step %d: %s", i, reason)
				}
				if f.due(at(step.at)) {
					t.Errorf("step %d: another request is due at once", i)
				}
				if got := f.until(); !got.Equal(at(step.until)) {
					t.Errorf("step %d: waits until %v, want %d ms", i, got.Sub(at(0)), step.until)
				}
			}
			if f.complete() != test.done {
				t.Errorf("complete is %t", f.complete())
			}
			if diff := cmp.Diff(test.want, f.result(nil)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnswersCountOnceAndOnlyForRequestsOfTheProbe(t *testing.T) {
	f := newFlight(terms{count: 2, need: 1, timeout: time.Second}, 7)
	f.begin()
	f.next(at(0))
	for _, test := range []struct {
		sequence uint16
		want     Ignored
	}{{6, OtherSequence}, {8, OtherSequence}, {7 + 256, OtherSequence}, {7, Accepted}, {7, Duplicate}} {
		if got := f.answer(test.sequence, at(5)); got != test.want {
			t.Errorf("sequence %d: got %q, want %q", test.sequence, got, test.want)
		}
	}
	f.begin()
	if first := f.next(at(2000)); first != 8 {
		t.Errorf("the next probe begins with sequence %d", first)
	}
	if got := f.answer(7, at(2001)); got != OtherSequence {
		t.Errorf("an answer to the last probe: %q", got)
	}
	want := Result{Loss: 100, Err: errors.New("x")}
	if diff := cmp.Diff(want, f.result(want.Err), cmpopts.EquateErrors()); diff != "" {
		t.Error(diff)
	}
}

func TestARepeatedRequestGoesOnUntilItsDeadline(t *testing.T) {
	f := newFlight(terms{count: 2, need: 2, timeout: 2500 * time.Millisecond, repeat: true}, 0)
	f.begin()
	for _, step := range []struct{ at, until int }{{0, 1000}, {1000, 2000}, {2000, 2500}} {
		if !f.due(at(step.at)) {
			t.Errorf("no request is due after %d ms", step.at)
		}
		f.next(at(step.at))
		if got := f.until(); !got.Equal(at(step.until)) {
			t.Errorf("waits until %v, want %d ms", got.Sub(at(0)), step.until)
		}
	}
	if f.due(at(2500)) || f.due(at(3000)) {
		t.Error("a request is due after the deadline")
	}
	f.answer(0, at(2100))
	if want := (Result{Latency: 2100 * time.Millisecond, Loss: 66}); f.result(nil) != want {
		t.Errorf("one answer: %+v", f.result(nil))
	}
	f.answer(2, at(2200))
	if want := (Result{OK: true, Latency: 1150 * time.Millisecond, Loss: 33}); f.result(nil) != want || !f.complete() {
		t.Errorf("two answers: %+v", f.result(nil))
	}
}
