package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"e2e/lab"
)

// pair is a channel with somebody who answers on the other end.
func pair(t *testing.T, methods map[string]method) (*peer, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	asker, answerer := newPeer(near, nil), newPeer(far, methods)
	var ended sync.WaitGroup
	ended.Go(func() { _ = asker.run() })
	ended.Go(func() { _ = answerer.run() })
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
		ended.Wait()
	})
	return asker, far
}

func TestWhatBecameOfAConnectionSurvivesTheChannel(t *testing.T) {
	for _, want := range []error{lab.ErrUnreachable, lab.ErrSilence, lab.ErrBlackhole, lab.ErrRefused} {
		asker, _ := pair(t, map[string]method{
			"bare":    func(func(any) error) (any, error) { return "", want },
			"wrapped": func(func(any) error) (any, error) { return "", fmt.Errorf("start a flow: %w", want) },
		})
		for _, question := range []string{"bare", "wrapped"} {
			if err := asker.ask(context.Background(), question, nil, new(string)); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", question, err, want)
			}
		}
	}
}

func TestAnAnswerComesWithItsFault(t *testing.T) {
	want := lab.Output{Stdout: "seen\n", Stderr: "failed\n"}
	asker, _ := pair(t, map[string]method{"run": func(func(any) error) (any, error) { return want, errors.New("exit status 1") }})
	got, err := World{asker}.Run(lab.Command{Node: "isp1", Args: []string{"false"}})
	if err == nil || err.Error() != "exit status 1" {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAQuickQuestionOvertakesASlowOne(t *testing.T) {
	release := make(chan struct{})
	asker, _ := pair(t, map[string]method{
		"slow":  func(func(any) error) (any, error) { <-release; return nil, nil },
		"quick": func(func(any) error) (any, error) { return nil, nil },
	})
	slow := make(chan error, 1)
	go func() { slow <- asker.ask(context.Background(), "slow", nil, nil) }()
	if err := asker.ask(context.Background(), "quick", nil, nil); err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

func TestWhoWaitsHearsThatTheChannelHasEnded(t *testing.T) {
	asked, never := make(chan struct{}), make(chan struct{})
	defer close(never)
	asker, far := pair(t, map[string]method{"never": func(func(any) error) (any, error) { close(asked); <-never; return nil, nil }})
	answer := make(chan error, 1)
	go func() { answer <- asker.ask(context.Background(), "never", nil, nil) }()
	<-asked
	_ = far.Close()
	if err := <-answer; !errors.Is(err, errEnded) {
		t.Errorf("%v, want %v", err, errEnded)
	}
}

// A machine that is switched off in the middle of a line starts its next life with a line's end.
func TestHalfALineOfAnEarlierLifeIsNotHeard(t *testing.T) {
	near, far := net.Pipe()
	var log bytes.Buffer
	guest := Serve(near, &lab.World{}, &log)
	_, err := fmt.Fprint(far, `{"method":"log","body":"lo`+"\n"+`{"method":"log","body":"once\n"}`+"\n"+`{"id":1,"method":"ready"}`+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := guest.Close(); err != nil || log.String() != "once\n" {
		t.Errorf("heard %q, %v", log.String(), err)
	}
}

func TestAScriptIsDividedWhereItsRouterReboots(t *testing.T) {
	const script = "lab openwrt 1\n-- a --\nA\n-- part2 --\nonline wan\n-- policy --\nP\n-- part3 --\nmwan3 stop\n"
	const files = "-- a --\nA\n-- part2 --\nonline wan\n-- policy --\nP\n-- part3 --\nmwan3 stop\n"
	want := []string{script, "online wan\n" + files, "mwan3 stop\n" + files}
	if diff := cmp.Diff(want, Parts(script)); diff != "" {
		t.Error(diff)
	}
}
