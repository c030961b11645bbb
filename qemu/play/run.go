package play

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"e2e/lab"
	"e2e/remote"
)

// verb makes this program play a trial, where it is the lab's process.
const verb = "play-inside"

// Verdict is what became of a trial.
type Verdict struct {
	remote.Result
	Took time.Duration
	Err  error // the trial could not be played to its end
}

// longest is how long a trial may take: a machine that hangs ends then.
const longest = 15 * time.Minute

// Run plays the trial in a lab of its own and waits for its end.
func (t Trial) Run(ctx context.Context) Verdict {
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("no script takes longer than %v", longest))
	defer cancel()
	began := time.Now()
	result, err := t.run(ctx)
	return Verdict{Result: result, Took: time.Since(began), Err: err}
}

func (t Trial) run(ctx context.Context) (result remote.Result, err error) {
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return result, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return result, err
	}
	var out, complaints strings.Builder
	if err := lab.Run(ctx, &out, &complaints, verb, string(text)); err != nil {
		return result, fmt.Errorf("%w\n%s", err, complaints.String())
	}
	if err := json.Unmarshal([]byte(out.String()), &result); err != nil {
		return result, fmt.Errorf("the lab says %q: %w", out.String(), err)
	}
	return result, nil
}

// Inside plays the trial that the arguments of a lab's process name, and prints the result for Run.
func Inside(ctx context.Context, args []string) error {
	if len(args) != 2 || args[0] != verb {
		return errors.New("not started as a lab")
	}
	var t Trial
	if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
		return err
	}
	result, err := t.play(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
