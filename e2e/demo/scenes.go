package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"e2e/lab"
)

// scene is one thing that happens to the router, and who should carry new connections afterwards.
type scene struct {
	title string
	short string // for the summary
	do    func(*player) error
	then  string
}

// Times of the show.
const (
	calm    = 2 * time.Second  // between two scenes
	give    = 15 * time.Second // for new connections to settle
	settled = 8                // connections in a row, of each family
)

func scenes() []scene {
	isp := func(number int, do func(*lab.ISP) error) func(*player) error {
		return func(p *player) error { return do(p.lab.ISPs[number-1]) }
	}
	both := func(command string) func(*player) error {
		return func(p *player) error { return errors.Join(p.mwan3(command, "wan"), p.mwan3(command, "wan6")) }
	}
	return []scene{
		{"isp1 swallows everything; its gateway answers, the cable is fine", "isp1 dies silently", isp(1, (*lab.ISP).Drop), "isp2"},
		{"the cable to isp2 is pulled, too", "cable of isp2 pulled", isp(2, (*lab.ISP).CarrierOff), "isp3"},
		{"the cable to isp2 is back", "cable back", isp(2, (*lab.ISP).CarrierOn), "isp2"},
		{"isp1 works again", "isp1 healed", isp(1, (*lab.ISP).Heal), "isp1"},
		{"mwan3 ifdown wan; mwan3 ifdown wan6", "mwan3 ifdown", both("ifdown"), "isp2"},
		{"mwan3 ifup wan; mwan3 ifup wan6", "mwan3 ifup", both("ifup"), "isp1"},
	}
}

// result is what was measured in one scene.
type result struct {
	scene
	took4, took6 time.Duration
	lost, total  int
}

// scenes plays one scene after the other.
func (p *player) scenes(ctx context.Context) error {
	if err := p.settle(ctx, "isp1"); err != nil {
		return err
	}
	var err error
	if p.flow, err = p.lab.Client2.StartFlow(netip.MustParseAddrPort(transfer), give); err != nil {
		return err
	}
	for _, scene := range scenes() {
		if err := wait(ctx, calm); err != nil {
			return err
		}
		if err := p.scene(ctx, scene); err != nil {
			return err
		}
	}
	return wait(ctx, calm)
}

// scene plays one scene and measures it.
func (p *player) scene(ctx context.Context, scene scene) error {
	p.screen.say("  %6s s  %s", p.clock(), p.chart.style.paint("1", scene.title))
	moment := time.Now()
	if err := scene.do(p); err != nil {
		return err
	}
	if err := p.settle(ctx, scene.then); err != nil {
		return err
	}
	r := p.measure(scene, moment)
	p.screen.say("  %6s s  → %s after %s s, IPv6 %s s; %d of %d connections lost", p.clock(),
		scene.then, seconds(r.took4), seconds(r.took6), r.lost, r.total)
	p.done = append(p.done, r)
	return nil
}

// clock is the time since the show began.
func (p *player) clock() string { return fmt.Sprintf("%.1f", time.Since(p.chart.start).Seconds()) }

// settle waits until new connections of both families go through isp.
func (p *player) settle(ctx context.Context, isp string) error {
	for end := time.Now().Add(give); time.Now().Before(end); {
		if p.chart.v4.settled(isp, settled) && p.chart.v6.settled(isp, settled) {
			return nil
		}
		if err := wait(ctx, every); err != nil {
			return err
		}
	}
	return fmt.Errorf("new connections did not settle on %s in %v", isp, give)
}

// measure looks at the connections since the moment.
func (p *player) measure(scene scene, moment time.Time) result {
	r := result{scene: scene}
	r.took4, _ = p.chart.v4.change(moment, scene.then)
	r.took6, _ = p.chart.v6.change(moment, scene.then)
	for _, s := range []*sampler{p.chart.v4, p.chart.v6} {
		for _, one := range s.between(moment, time.Now()) {
			if one.ended.IsZero() {
				continue
			}
			if r.total++; one.isp == "" {
				r.lost++
			}
		}
	}
	return r
}

// wait pauses the show.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case <-time.After(d):
		return nil
	}
}

// summary is the table at the end.
func (p *player) summary() string {
	var text strings.Builder
	bold := func(s string) string { return p.chart.style.paint("1", s) }
	fmt.Fprintln(&text, bold("  what happened             first connection through    IPv4     IPv6     lost"))
	for _, r := range p.done {
		fmt.Fprintf(&text, "  %-25s %-24s %5s s  %5s s  %3d of %d\n", r.short, r.then, seconds(r.took4), seconds(r.took6), r.lost, r.total)
	}
	text.WriteString(p.transfer())
	return text.String()
}

// transfer tells what became of the transfer that used the third uplink.
func (p *player) transfer() string {
	if p.flow == nil {
		return ""
	}
	seen := p.flow.Progress()
	if seen.Ended != "" {
		return fmt.Sprintf("\n  A transfer through %s broke off: %s\n", p.flow.Via, seen.Ended)
	}
	return fmt.Sprintf("\n  A transfer through %s meanwhile: %d messages echoed, longest pause %s s\n",
		p.flow.Via, seen.Messages, seconds(seen.Longest))
}
