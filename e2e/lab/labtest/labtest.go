// Package labtest lets a Go test run in a lab of its own.
package labtest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"e2e/lab"
)

// Main is for TestMain: it prepares a test program whose tests call In, and runs them.
func Main(m *testing.M) int {
	lab.Enter()
	return m.Run()
}

// Check ends the test if there is an error.
func Check(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// In runs body, the whole rest of the test that calls it, as the router of a new lab: the test program is started
// again in there for this one test. Tests may call t.Parallel before In.
func In(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if lab.Inside() {
		body(t)
		return
	}
	var output strings.Builder
	err := lab.Run(context.Background(), &output, &output, flags(t)...)
	if err != nil {
		t.Errorf("in the lab: %v\n%s", err, output.String())
	} else if testing.Verbose() {
		t.Log("\n" + output.String())
	}
}

// flags select the one test, and end it in time for its output to be seen.
func flags(t *testing.T) []string {
	var pattern []string
	for _, name := range strings.Split(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
	}
	args := []string{"-test.run=" + strings.Join(pattern, "/"), "-test.count=1"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	if deadline, ok := t.Deadline(); ok {
		left := max(time.Until(deadline)-10*time.Second, time.Second)
		args = append(args, fmt.Sprintf("-test.timeout=%s", left))
	}
	return args
}
