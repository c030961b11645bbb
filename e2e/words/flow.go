package words

import (
	"fmt"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
)

// standstill is how long a flow may be without a reply before one says that it stands still.
const standstill = time.Second

// interruption is how long a flow may be without a reply and still be unbroken: one that has lost its way takes minutes, and a busy
// machine may take more than a second to move one.
const interruption = 2 * time.Second

// swift is how soon after a verdict a flow has to go on, on a busy machine: one that nobody leads never does.
const swift = 10 * time.Second

const flowUsage = "flow start NAME [-from NODE] [-p PROTO] TARGET; flow via NAME ispN; flow resumed NAME IFACE ispN; " +
	"flow alive|stalled|ended|unbroken NAME…"

// flow is a long transfer that a script has begun.
type flow struct {
	name    string
	via     string // the provider that it was begun through
	traffic Traffic
}

func (s *stage) flowWord(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage(flowUsage)
	}
	verb, name := args[0], args[1]
	switch {
	case verb == "start":
		return s.startFlow(name, args[2:])
	case verb == "via" && len(args) == 3:
		return s.eachFlow(args[1:2], func(f flow) error { return f.begunThrough(args[2]) })
	case verb == "resumed" && len(args) == 4:
		return s.eachFlow(args[1:2], func(f flow) error { return s.resumed(ts, f, args[2], args[3]) })
	}
	check, ok := map[string]func(flow) error{
		"alive": s.alive, "stalled": s.stalled, "ended": s.ended, "unbroken": s.unbroken,
	}[verb]
	if !ok {
		return usage(flowUsage)
	}
	return s.eachFlow(args[1:], check)
}

func (s *stage) startFlow(name string, args []string) error {
	p, _, err := s.parse(args)
	if err != nil {
		return err
	}
	p.Patience = s.patient(lasting)
	via, err := p.traffic.StartFlow(name, p.Connection)
	s.flows[name] = flow{name, via, p.traffic}
	return err
}

func (s *stage) eachFlow(names []string, check func(flow) error) error {
	for _, name := range names {
		f, ok := s.flows[name]
		if !ok {
			return fmt.Errorf("flow %s was not started", name)
		}
		if err := check(f); err != nil {
			return fmt.Errorf("flow %s: %w", name, err)
		}
	}
	return nil
}

func (f flow) begunThrough(isp string) error {
	if f.via != isp {
		return fmt.Errorf("was begun through %s, want %s", f.via, isp)
	}
	return nil
}

// await waits until a flow has come where it should; wrong tells what is not so yet.
func (s *stage) await(f flow, wrong func(lab.Progress) error) error {
	return s.eventually(func() error {
		p, err := f.traffic.Progress(f.name)
		if err != nil {
			return err
		}
		return wrong(p)
	})
}

func (s *stage) alive(f flow) error {
	start, err := f.traffic.Progress(f.name)
	if err != nil {
		return err
	}
	return s.await(f, func(p lab.Progress) error {
		if p.Messages < start.Messages+settled {
			return fmt.Errorf("has not moved on: %+v", p)
		}
		return nil
	})
}

// resumed waits until a flow goes on after the last verdict on an interface.
func (s *stage) resumed(ts *testscript.TestScript, f flow, iface, isp string) error {
	return s.await(f, func(p lab.Progress) error {
		verdict, err := os.Stat("/var/run/mwan3track/" + iface + "/STATUS")
		if err != nil {
			return err
		}
		since := time.Since(verdict.ModTime())
		after := since - p.Resumed
		if p.Resumed < 0 || after < 0 || after > s.patient(swift) || p.Via != isp {
			return fmt.Errorf("%s after the verdict on %s it has not gone on in time through %s: %+v", since, iface, isp, p)
		}
		ts.Logf("through %s, %s after the verdict on %s", isp, after.Round(time.Millisecond), iface)
		return nil
	})
}

func (s *stage) stalled(f flow) error {
	return s.await(f, func(p lab.Progress) error {
		if p.Ended != "" || p.Silent < s.patient(standstill) {
			return fmt.Errorf("does not stand still: %+v", p)
		}
		return nil
	})
}

func (s *stage) ended(f flow) error {
	return s.await(f, func(p lab.Progress) error {
		if p.Ended == "" {
			return fmt.Errorf("still runs: %+v", p)
		}
		return nil
	})
}

func (s *stage) unbroken(f flow) error {
	if err := s.alive(f); err != nil {
		return err
	}
	p, err := f.traffic.Progress(f.name)
	if err == nil && (p.Ended != "" || p.Longest >= s.patient(interruption)) {
		err = fmt.Errorf("was interrupted: %+v", p)
	}
	return err
}
