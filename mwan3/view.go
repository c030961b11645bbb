package main

import (
	"context"
	"math"

	"golang.org/x/sys/unix"

	"mwan3/config"
	"mwan3/firewall"
	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/survey"
)

// view is the router, opened for people who ask. What they are told on the command line and over ubus comes from here,
// so it cannot differ. What is asked for twice is looked at once.
type view struct {
	*router
	ctx      context.Context
	families []network.Family
	in       *plan.Inputs // what survey.Look has seen; nil: not looked yet
	lookErr  error
	wall     *wall // nil: not asked for yet
}

// wall is the firewall that holds the marking.
type wall struct {
	firewall.Backend // nil when there is nothing of ours in it
	name             config.Backend
	err              error
}

func newView(ctx context.Context, r *router) *view {
	return &view{router: r, ctx: ctx, families: r.routing.Families()}
}

// look sees interfaces and verdicts. With an error the interfaces are missing, the rest is there.
func (v *view) look() (plan.Inputs, error) {
	if v.in == nil {
		in, err := survey.Look(v.ctx, v.cfg, v.routing)
		if err != nil {
			in = plan.Inputs{Config: v.cfg, Network: network.State{Families: v.families}, Health: v.health.States()}
		}
		v.in, v.lookErr = &in, err
	}
	return *v.in, v.lookErr
}

// firewall returns the backend that holds the marking: nil when mwan3 does not run, so that nothing is asked of tools that
// may be missing.
func (v *view) firewall() (*wall, error) {
	if v.wall == nil {
		v.wall = &wall{}
		if _, running := v.record.Running(); running || v.record.Stopping() {
			v.wall.Backend, v.wall.name, v.wall.err = v.backend()
		}
	}
	if v.wall.err != nil || v.wall.Backend == nil {
		return nil, v.wall.err
	}
	return v.wall, nil
}

// policies returns each family's policies with their shares, as the kernel has them.
func (v *view) policies() (map[network.Family][]plan.PolicyView, error) {
	wall, err := v.firewall()
	if wall == nil {
		return nil, err
	}
	return wall.Policies()
}

// connected returns the networks that need no uplink, in the order of the kernel's set.
func (v *view) connected(f network.Family) ([]string, error) {
	wall, err := v.firewall()
	if wall == nil {
		return nil, err
	}
	return wall.Connected(f)
}

// interfaceView is what people are told about an interface section. Times are whole seconds, from 0 to MaxInt32.
type interfaceView struct {
	section  config.Interface
	record   health.Record // its words are those that the package knows
	tracking string        // disabled, down, paused or active
	state    health.State  // what policies do with it
	up       bool          // to netifd
	uptime   int           // since then; 0 when it is down
	age      int           // since the last round; 0 before the first
	online   int           // since it came online; 0 when it is not
	offline  int           // likewise
}

// interfaces returns the interface sections in their order, or the one of that name alone. With an error only what netifd
// knows is missing.
func (v *view) interfaces(only string) ([]interfaceView, error) {
	in, err := v.look()
	now := uptime()
	var all []interfaceView
	for _, section := range v.cfg.Interfaces {
		if only == "" || section.Name == only {
			all = append(all, v.interfaceView(section, in, now))
		}
	}
	return all, err
}

func (v *view) interfaceView(section config.Interface, in plan.Inputs, now int) interfaceView {
	record := v.health.Record(section.Name, section.Tracking.Targets)
	_, alive := v.health.TrackerPID(section.Name)
	found, _ := in.Network.Lookup(section.Name, section.Family)
	return interfaceView{
		section:  section,
		record:   sane(record),
		tracking: trackingWord(section, record, alive),
		state:    in.Health[section.Name],
		up:       found.Up,
		uptime:   int(min(found.Uptime, math.MaxInt32)),
		age:      since(record.Time, now),
		online:   since(record.Online, now),
		offline:  since(record.Offline, now),
	}
}

// trackingWord says what the tracker does.
func trackingWord(section config.Interface, record health.Record, alive bool) string {
	switch {
	case len(section.Tracking.Targets) == 0:
		return "disabled"
	case !alive:
		return "down"
	case !record.Started:
		return "paused"
	}
	return "active"
}

// sane puts unknown in the place of words that no tracker writes: the rest of a file that was cut off, or another's.
func sane(record health.Record) health.Record {
	switch record.Status {
	case health.StatusOnline, health.StatusOffline, health.StatusConnecting, health.StatusDisconnecting, health.StatusDisabled:
	default:
		record.Status = health.StatusUnknown
	}
	for i := range record.Targets {
		switch record.Targets[i].Status {
		case health.TargetUp, health.TargetDown, health.TargetSkipped:
		default:
			record.Targets[i].Status = health.TargetUnknown
		}
	}
	return record
}

// since returns how long ago a time was, both in seconds of the router's uptime: 0 if there was none, or if it is yet to
// come and so comes from before a reboot.
func since(then, now int) int {
	if then == 0 || then > now {
		return 0
	}
	return now - then
}

// uptime returns how long the router has been up, in whole seconds like /proc/uptime. (sysinfo(2) rounds up.)
func uptime() int {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return int(now.Sec)
}
