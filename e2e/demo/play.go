package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"e2e/lab"
)

// policy sends everything through the first of the three uplinks that works, and one port through the third, for the
// transfer that nobody should disturb.
const policy = `
config policy 'first'
	list use_member 'wan_m1'
	list use_member 'wan6_m1'
	list use_member 'wanb_m2'
	list use_member 'wanb6_m2'
	list use_member 'wanc_m3'
	list use_member 'wanc6_m3'
config policy 'third'
	list use_member 'wanc_m1'
config rule 'transfer'
	option proto 'tcp'
	option dest_port '9000'
	option use_policy 'third'
config rule 'everything'
	option use_policy 'first'
`

// pace is how the demo's trackers probe. A bad round takes interval plus timeout.
func pace() lab.Tracking { return lab.Tracking{Interval: "0.2", Timeout: "0.3", Down: "3", Up: "3"} }

// Where connections go: client1's new ones, and the transfer that policy sends through the third uplink.
const (
	target4  = "198.51.100.10:443"
	target6  = "[2001:db8:51::10]:443"
	transfer = "198.51.100.11:9000"
)

// player is a demo that runs.
type player struct {
	lab    *lab.Lab
	screen *screen
	chart  *chart
	flow   *lab.Flow
	done   []result
}

// play draws the lab, starts mwan3 in it and plays the scenes.
func play(ctx context.Context, bin string) error {
	p := &player{screen: newScreen(os.Stdout)}
	if err := p.prepare(bin); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	p.chart = p.newChart()
	for _, run := range []func(context.Context){p.chart.v4.run, p.chart.v6.run, p.chart.watcher.run} {
		all.Go(func() { run(ctx) })
	}
	return p.show(ctx)
}

// prepare brings the router up.
func (p *player) prepare(bin string) error {
	begun := time.Now()
	p.screen.say("%s", p.screen.style().paint("1", "mwan3: one router, three uplinks, IPv4 and IPv6")+picture)
	var err error
	if p.lab, err = lab.New(len(uplinks())); err != nil {
		return err
	}
	p.screen.say("  %s s to draw this in network namespaces.", seconds(time.Since(begun)))
	if err := lab.Install(bin); err != nil {
		return err
	}
	config := p.lab.Sections(pace(), 4, 6) + policy
	if err := os.WriteFile("/etc/config/mwan3", []byte(config), 0o600); err != nil {
		return err
	}
	begun = time.Now()
	if err := p.mwan3("start"); err != nil {
		return err
	}
	p.screen.say("  %s s for mwan3 start: 6 interfaces, a tracker for each.", seconds(time.Since(begun)))
	p.screen.say("  Trackers ask 2 targets, wait %s s for them, pause %s s; %s rounds decide.",
		pace().Timeout, pace().Interval, pace().Down)
	return nil
}

func (p *player) mwan3(args ...string) error {
	_, err := p.lab.Router.Run("", append([]string{"/usr/sbin/mwan3"}, args...)...)
	return err
}

func (p *player) newChart() *chart {
	start := time.Now()
	return &chart{
		start: start,
		watcher: &watcher{lab: p.lab, start: start, answers: map[moment][2]bool{}, targets: [2]netip.AddrPort{
			netip.MustParseAddrPort(target4), netip.MustParseAddrPort(target6),
		}},
		v4:    &sampler{node: p.lab.Client1, target: netip.MustParseAddrPort(target4)},
		v6:    &sampler{node: p.lab.Client1, target: netip.MustParseAddrPort(target6)},
		style: p.screen.style(),
	}
}

// show plays the scenes on the screen and sums up.
func (p *player) show(ctx context.Context) error {
	p.screen.say("\n  One column is %s s.  █ both families come through, · neither", seconds(column))
	p.screen.say("  New connections of client1: 1 2 3 is the provider that carried them, × is lost\n")
	p.screen.chart = p.chart
	shown, end := context.WithCancel(context.Background())
	drawn := make(chan struct{})
	go func() { defer close(drawn); p.screen.run(shown) }()
	err := p.scenes(ctx)
	end()
	<-drawn
	fmt.Fprint(p.screen.out, p.summary())
	if ctx.Err() != nil {
		return errTold
	}
	return err
}
