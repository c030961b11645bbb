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

// swift is how soon after a verdict a flow has to go on.
const swift = time.Second

const flowUsage = "flow start NAME [-from NODE] [-p PROTO] TARGET; flow via NAME ispN; flow resumed NAME IFACE ispN; " +
	"flow alive|stalled|ended|unbroken NAME…"

func (s *stage) flow(ts *testscript.TestScript, args []string) error {
	if len(args) < 2 {
		return usage(flowUsage)
	}
	switch verb, name := args[0], args[1]; {
	case verb == "start":
		return s.startFlow(name, args[2:])
	case verb == "via" && len(args) == 3:
		return s.eachFlow(args[1:2], func(f *lab.Flow) error { return wantVia(f, args[2]) })
	case verb == "resumed" && len(args) == 4:
		return s.eachFlow(args[1:2], func(f *lab.Flow) error { return resumed(ts, f, args[2], args[3]) })
	case verb == "alive":
		return s.eachFlow(args[1:], alive)
	case verb == "stalled":
		return s.eachFlow(args[1:], stalled)
	case verb == "ended":
		return s.eachFlow(args[1:], ended)
	case verb == "unbroken":
		return s.eachFlow(args[1:], unbroken)
	}
	return usage(flowUsage)
}

func (s *stage) startFlow(name string, args []string) error {
	p, _, err := s.parse(args)
	if err != nil {
		return err
	}
	begin := p.node.StartFlow
	if p.proto == "udp" {
		begin = p.node.StartDatagrams
	}
	s.flows[name], err = begin(p.to, lasting)
	return err
}

func (s *stage) eachFlow(names []string, check func(*lab.Flow) error) error {
	for _, name := range names {
		flow, ok := s.flows[name]
		if !ok {
			return fmt.Errorf("flow %s was not started", name)
		}
		if err := check(flow); err != nil {
			return fmt.Errorf("flow %s: %w", name, err)
		}
	}
	return nil
}

func wantVia(f *lab.Flow, isp string) error {
	if f.Via != isp {
		return fmt.Errorf("was begun through %s, want %s", f.Via, isp)
	}
	return nil
}

func alive(f *lab.Flow) error {
	start := f.Progress().Messages
	return eventually(func() error {
		if p := f.Progress(); p.Messages < start+settled {
			return fmt.Errorf("has not moved on: %+v", p)
		}
		return nil
	})
}

// resumed waits until a flow goes on after the last verdict on an interface.
func resumed(ts *testscript.TestScript, f *lab.Flow, iface, isp string) error {
	return eventually(func() error {
		verdict, err := os.Stat("/var/run/mwan3track/" + iface + "/STATUS")
		if err != nil {
			return err
		}
		p := f.Progress()
		after := p.Resumed.Sub(verdict.ModTime())
		if after < 0 || after > swift || p.Via != isp {
			return fmt.Errorf("%s after the verdict on %s it has not gone on in time through %s: %+v",
				time.Since(verdict.ModTime()), iface, isp, p)
		}
		ts.Logf("through %s, %s after the verdict on %s", isp, after.Round(time.Millisecond), iface)
		return nil
	})
}

func stalled(f *lab.Flow) error {
	return eventually(func() error {
		if p := f.Progress(); p.Err != nil || time.Since(p.Last) < standstill {
			return fmt.Errorf("does not stand still: %+v", p)
		}
		return nil
	})
}

func ended(f *lab.Flow) error {
	return eventually(func() error {
		if p := f.Progress(); p.Err == nil {
			return fmt.Errorf("still runs: %+v", p)
		}
		return nil
	})
}

func unbroken(f *lab.Flow) error {
	if err := alive(f); err != nil {
		return err
	}
	if p := f.Progress(); p.Err != nil || p.Longest >= standstill {
		return fmt.Errorf("was interrupted: %+v", p)
	}
	return nil
}
