package words

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
)

// Words about connections.

// A connection that takes longer than quick counts as failed where the words wait for a change. Where none may fail
// there is time for a retransmission.
const (
	quick   = 700 * time.Millisecond
	lasting = 5 * time.Second
)

// settled is how many new connections in a row make it every one.
const settled = 10

// Refusals take longer to tell: the kernel sends a host five of them at once and then one in a second, so silence
// counts as such only when it has outlasted a retransmitted SYN.
const (
	settledRefusals = 3
	refusal         = 2500 * time.Millisecond
)

// probe is a kind of connection to try.
type probe struct {
	lab.Connection
	traffic Traffic
	times   int
}

// ask makes one new connection.
func (p probe) ask(patience time.Duration) (string, error) {
	p.Patience = patience
	return p.traffic.Ask(p.Connection)
}

// traffic are the connections of a machine: the router's own are here, those of all others in the world.
func (s *stage) traffic(node string) Traffic {
	if node == "router" {
		return s.lab
	}
	return s.world
}

// parse reads [-n N] [-from NODE] [-p PROTO] TARGET and returns what follows.
func (s *stage) parse(args []string) (probe, []string, error) {
	options := flag.NewFlagSet("options", flag.ContinueOnError)
	options.SetOutput(io.Discard)
	times := options.Int("n", 300, "")
	from := options.String("from", "client1", "")
	proto := options.String("p", "tcp", "")
	if err := options.Parse(args); err != nil {
		return probe{}, nil, err
	}
	if options.NArg() == 0 {
		return probe{}, nil, errors.New("which target?")
	}
	to, err := netip.ParseAddrPort(options.Arg(0))
	c := lab.Connection{From: *from, Proto: *proto, To: to}
	return probe{c, s.traffic(*from), *times}, options.Args()[1:], err
}

func (s *stage) via(_ *testscript.TestScript, args []string) error {
	p, rest, err := s.parse(args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usage("via [-from NODE] [-p PROTO] TARGET ispN")
	}
	return s.settle(p, outcome{rest[0], answers(rest[0]), settled, quick})
}

func (s *stage) unreachable(_ *testscript.TestScript, args []string) error {
	p, _, err := s.parse(args)
	if err != nil {
		return err
	}
	refused := func(_ string, err error) bool { return errors.Is(err, lab.ErrUnreachable) }
	return s.settle(p, outcome{"unreachable", refused, settledRefusals, lasting})
}

func (s *stage) blackhole(_ *testscript.TestScript, args []string) error {
	p, _, err := s.parse(args)
	if err != nil {
		return err
	}
	swallowed := func(_ string, err error) bool {
		return errors.Is(err, lab.ErrSilence) || errors.Is(err, lab.ErrBlackhole)
	}
	return s.settle(p, outcome{"nothing at all", swallowed, settledRefusals, refusal})
}

// outcome is what should become of new connections.
type outcome struct {
	name     string
	right    func(answer string, err error) bool
	row      int // of right ones that make it settled
	patience time.Duration
}

// answers is right when the connection is answered by name.
func answers(name string) func(string, error) bool {
	return func(answer string, err error) bool { return err == nil && answer == name }
}

// settle waits until enough new connections in a row go as they should.
func (s *stage) settle(p probe, want outcome) error {
	row, last := 0, "nothing was tried"
	for end := time.Now().Add(s.patient(Deadline)); time.Now().Before(end); {
		answer, err := p.ask(s.patient(want.patience))
		if want.right(answer, err) {
			if row++; row == want.row {
				return nil
			}
			continue
		}
		row, last = 0, fmt.Sprintf("%q, %v", answer, err)
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("%s to %s from %s gets %s; want %s", p.Proto, p.To, p.From, last, want.name)
}

func (s *stage) spread(ts *testscript.TestScript, args []string) error {
	p, rest, err := s.parse(args)
	if err != nil {
		return err
	}
	want := map[string]float64{}
	for _, share := range rest {
		name, percent, _ := strings.Cut(share, "=")
		if want[name], err = strconv.ParseFloat(percent, 64); err != nil {
			return usage("spread [-n N] [-from NODE] [-p PROTO] TARGET ispN=PERCENT…")
		}
	}
	got := map[string]int{}
	for range p.times {
		answer, err := p.ask(s.patient(lasting))
		if err != nil {
			answer = err.Error()
		}
		got[answer]++
	}
	ts.Logf("%v", got)
	return compare(got, want, p.times)
}

// compare tells which providers had not their percentage of the connections, with a tolerance of four standard
// deviations of the binomial distribution.
func compare(got map[string]int, want map[string]float64, total int) error {
	var wrong []string
	for name, count := range got {
		if _, ok := want[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s: %d, want none", name, count))
		}
	}
	for name, percent := range want {
		p := percent / 100
		mean, tolerance := float64(total)*p, 4*math.Sqrt(float64(total)*p*(1-p))
		if math.Abs(float64(got[name])-mean) > tolerance {
			wrong = append(wrong, fmt.Sprintf("%s: %d, want %.0f ± %.0f", name, got[name], mean, tolerance))
		}
	}
	if wrong == nil {
		return nil
	}
	sort.Strings(wrong)
	return fmt.Errorf("of %d connections %s", total, strings.Join(wrong, "; "))
}

// inbound connects from the internet to the router's addresses at a provider: port 7 is the router's own service, 8007
// is forwarded to client1.
func (s *stage) inbound(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return usage("inbound ispN router|client1")
	}
	var number int
	if _, err := fmt.Sscanf(args[0], "isp%d", &number); err != nil {
		return usage("inbound ispN router|client1")
	}
	port := map[string]int{"router": 7, "client1": 8007}[args[1]]
	for _, addr := range []string{"10.1.%d.2:%d", "[fd00:1:%d::2]:%d"} {
		to := netip.MustParseAddrPort(fmt.Sprintf(addr, number, port))
		p := probe{lab.Connection{From: "internet", Proto: "tcp", To: to}, s.world, 1}
		if err := s.settle(p, outcome{args[1], answers(args[1]), settled, quick}); err != nil {
			return err
		}
	}
	return nil
}
