package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
	"e2e/remote"
	"e2e/words"
)

// play runs a script.
func play(job remote.Job, w remote.World, log io.Writer, options words.Options) remote.Result {
	options.Backend, options.Patience = job.Backend, job.Patience
	options.Draw = func(uplinks int) (words.World, *lab.Site, error) {
		site, err := lab.NewSite(uplinks, options.Machine)
		return w, site, err
	}
	dir, err := os.MkdirTemp("", "engine-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.WriteFile(filepath.Join(dir, job.Name+".txtar"), []byte(job.Text), 0o600)
	}
	if err != nil {
		fmt.Fprintln(log, err)
		return remote.Result{Status: "fail"}
	}
	t := &trial{log: log}
	t.Run(job.Name, func(t testscript.T) {
		testscript.RunT(t, words.Params(filepath.Join(dir, job.Name+".txtar"), options))
	})
	if t.failed {
		tellLog(log)
	}
	return t.result()
}

// tellLog shows the router's own log.
func tellLog(to io.Writer) {
	if text, err := os.ReadFile(lab.LogFile); err == nil {
		fmt.Fprintf(to, "the router's log:\n%s", text)
	}
}

// trial is what testscript needs of a testing.T.
type trial struct {
	log     io.Writer
	failed  bool
	skipped bool
	reason  string
}

func (t *trial) result() remote.Result {
	switch {
	case t.failed:
		return remote.Result{Status: "fail"}
	case t.skipped:
		return remote.Result{Status: "skip", Reason: t.reason}
	}
	return remote.Result{Status: "pass"}
}

// Run runs a part of the test and waits for its end. The whole shares the fate of its parts.
func (t *trial) Run(_ string, do func(testscript.T)) {
	part := &trial{log: t.log}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if fault := recover(); fault != nil {
				part.failed = true
				part.Log("panic:", fault)
			}
		}()
		do(part)
	}()
	<-done
	t.failed = t.failed || part.failed
	t.skipped, t.reason = t.skipped || part.skipped, t.reason+part.reason
}

// Skip ends a part that does not apply here.
func (t *trial) Skip(reason ...any) {
	t.skipped, t.reason = true, fmt.Sprint(reason...)
	runtime.Goexit()
}

// Fatal ends a part that has failed.
func (t *trial) Fatal(reason ...any) {
	t.Log(reason...)
	t.FailNow()
}

// FailNow ends a part that has failed.
func (t *trial) FailNow() {
	t.failed = true
	runtime.Goexit()
}

// Parallel does nothing: there is one script at a time.
func (t *trial) Parallel() {}

// Log writes into the log of the other end.
func (t *trial) Log(what ...any) { fmt.Fprintln(t.log, what...) }

// Verbose makes testscript show all that it does.
func (t *trial) Verbose() bool { return true }
