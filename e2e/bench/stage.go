package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"e2e/lab"
	"e2e/probes"
)

// stage is a router with two uplinks of which the second serves when the first is dead, and those who watch it.
type stage struct {
	scene   scene
	lab     *lab.Lab
	knocker *knocker
	wire    *probes.Tap // the first uplink's
	witness *witness
}

// cut is what was seen of one cut in one family, as times since the cut. Zero is what was not seen.
type cut struct {
	Family     probes.Family
	Unanswered time.Duration // the first probe that stays without an answer leaves the router
	Due        time.Duration // the verdict, by the settings
	Offline    time.Duration // the tracker writes its verdict down
	Loaded     time.Duration // the kernel has the new policy
	First      time.Duration // the first new connection through the second uplink is answered
	Back       time.Duration // since the repair: the first new connection through the first uplink is answered
}

// policy sends everything through the first uplink that works.
const policy = `
config policy 'failover'
	list use_member 'wan_m1'
	list use_member 'wan6_m1'
	list use_member 'wanb_m2'
	list use_member 'wanb6_m2'
config rule 'everything'
	option use_policy 'failover'
`

// playScene plays a scene in a lab and writes each cut as JSON to stdout.
func playScene(o options) error {
	scene, err := findScene(o.scene)
	if err != nil {
		return err
	}
	s, err := newStage(scene, o.backend)
	if err != nil {
		return err
	}
	defer s.wire.Close()
	defer s.witness.close()
	out := json.NewEncoder(os.Stdout)
	for range o.cuts {
		cuts, err := s.cut()
		if err != nil {
			return fmt.Errorf("%w; the log says at last:\n%s", err, logTail())
		}
		if err := out.Encode(cuts); err != nil {
			return err
		}
	}
	return nil
}

// newStage draws the lab and starts mwan3.
func newStage(scene scene, backend string) (*stage, error) {
	l, err := lab.New(2)
	if err != nil {
		return nil, err
	}
	if err := writeConfig(backend, l.Sections(scene.pace.tracking(), 4, 6)+policy); err != nil {
		return nil, err
	}
	if err := run("mwan3", "start"); err != nil {
		return nil, err
	}
	s := &stage{scene: scene, lab: l, knocker: &knocker{node: l.Client1}}
	if err := await(s.online); err != nil {
		return nil, err
	}
	if s.wire, err = l.Router.Watch("wan0"); err != nil {
		return nil, err
	}
	s.witness, err = newWitness(l.Router, first())
	return s, err
}

// first and second are the interfaces of the uplinks.
func first() ifaces  { return ifaces{"wan", "wan6"} }
func second() ifaces { return ifaces{"wanb", "wanb6"} }

// cut plays the scene once. Fault and repair come at any time of the trackers' interval, and each time is counted from
// before the lab begins with it, so that none comes out too short.
func (s *stage) cut() ([]cut, error) {
	if err := s.quiet(); err != nil {
		return nil, fmt.Errorf("before a cut: %w", err)
	}
	s.pause()
	s.witness.forget()
	away := s.knocker.start("isp2")
	begin := time.Now()
	if err := s.scene.fault(s.lab.ISPs[0]); err != nil {
		return nil, err
	}
	there, err := (<-away).after(begin)
	if err != nil {
		return nil, fmt.Errorf("after a cut: %w", err)
	}
	if err := await(s.offline); err != nil {
		return nil, fmt.Errorf("after a cut: %w", err)
	}
	cuts, err := s.account(begin, there)
	if err != nil {
		return nil, err
	}
	return cuts, s.repair(cuts)
}

// repair ends the fault and adds the time until the first uplink is used again.
func (s *stage) repair(cuts []cut) error {
	time.Sleep(s.scene.outage)
	s.pause()
	back := s.knocker.start("isp1")
	begin := time.Now()
	if err := s.scene.repair(s.lab.ISPs[0]); err != nil {
		return err
	}
	there, err := (<-back).after(begin)
	if err != nil {
		return fmt.Errorf("after the repair: %w", err)
	}
	for f := range probes.Families {
		cuts[f].Back = there[f].Sub(begin)
	}
	return nil
}

// account sums up what was seen of a cut.
func (s *stage) account(begin time.Time, first arrival) ([]cut, error) {
	cuts := make([]cut, probes.Families)
	since := func(at time.Time) time.Duration {
		if at.Before(begin) {
			return 0 // of an earlier cut
		}
		return at.Sub(begin)
	}
	for f := range probes.Families {
		offline, loaded := s.witness.account(f, first[f])
		cuts[f] = cut{Family: f, Loaded: since(loaded), First: first[f].Sub(begin)}
		if !s.scene.silent {
			continue
		}
		unanswered, ok := probes.FirstUnanswered(s.wire.Seen(f))
		if !ok {
			return nil, fmt.Errorf("%s: the last probe was answered, and yet connections have left", f)
		}
		cuts[f].Unanswered = unanswered.Sub(begin)
		cuts[f].Due = cuts[f].Unanswered + s.scene.pace.verdict()
		cuts[f].Offline = since(offline)
	}
	return cuts, nil
}

// pause waits for some part of the trackers' interval.
func (s *stage) pause() { time.Sleep(rand.N(s.scene.pace.interval)) }

// quiet waits until everything works and the trackers probe at their usual pace.
func (s *stage) quiet() error {
	if err := await(s.online); err != nil {
		return err
	}
	s.wire.Forget()
	if err := await(s.probed); err != nil {
		return err
	}
	there := <-s.knocker.start("isp1")
	return there.err
}

// probed tells whether a probe of each family was answered.
func (s *stage) probed() error {
	for f := range probes.Families {
		answered := func(p probes.Probe) bool { return !p.Answered.IsZero() }
		if !slices.ContainsFunc(s.wire.Seen(f), answered) {
			return fmt.Errorf("%s: no probe was answered", f)
		}
	}
	return nil
}

// online tells whether all interfaces are in use, the trackers of the first uplink sure of it, and mwan3 is done.
func (s *stage) online() error {
	full := strconv.Itoa(s.scene.pace.down + s.scene.pace.up)
	for f := range probes.Families {
		for _, iface := range []string{first()[f], second()[f]} {
			if state := readWord(stateDir + iface); state != "online" {
				return fmt.Errorf("policies take %s for %q, want online", iface, state)
			}
			status, score := readWord(trackDir+iface+"/STATUS"), readWord(trackDir+iface+"/SCORE")
			if status != "online" || score != full {
				return fmt.Errorf("the tracker of %s says %q with a score of %q, want online with %s", iface, status, score, full)
			}
		}
	}
	return atRest()
}

// offline tells whether the first uplink is out of use and mwan3 is done.
func (s *stage) offline() error {
	for _, iface := range first() {
		state, status := readWord(stateDir+iface), readWord(trackDir+iface+"/STATUS")
		if state == "online" || status != "offline" && status != "disabled" {
			return fmt.Errorf("%s: policies say %q, the tracker %q; want offline", iface, state, status)
		}
	}
	return atRest()
}

func atRest() error {
	if _, err := os.Stat(changing); err == nil {
		return fmt.Errorf("mwan3 is still at work: %s is there", changing)
	}
	return nil
}

// await looks again and again until there is nothing to complain of.
func await(look func() error) error {
	var err error
	for end := time.Now().Add(giveUp); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if err = look(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("not in %v: %w", giveUp, err)
}

// logTail is the end of the router's log.
func logTail() string {
	text, _ := os.ReadFile(lab.LogFile)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
