package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/firewall"
	"mwan3/health"
	"mwan3/hotplug"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/survey"
)

// errNotRunning says that mwan3 was not started, so nothing may be loaded.
var errNotRunning = errors.New("mwan3 is not running")

// reconcile is the one road: look, settle the verdicts, plan, apply, tell. A start passes first, every other event finds
// mwan3 running or fails with errNotRunning.
func (r *router) reconcile(ctx context.Context, event plan.Event, first bool) error {
	if err := r.endCutOffStop(); err != nil {
		return fmt.Errorf("end a stop that was cut off: %w", err)
	}
	news, err := r.lookAndChange(ctx, event, first)
	if err != nil {
		return err
	}
	r.announce(news)
	return nil
}

// lookAndChange does it up to the telling. No other run and no rtmon changes anything meanwhile.
func (r *router) lookAndChange(ctx context.Context, event plan.Event, first bool) ([]hotplug.Event, error) {
	unlock, err := apply.Lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	r.inUse = r.record.Marks()
	_, ok := r.record.Running()
	if !ok && !first {
		return nil, errNotRunning
	}
	in, err := r.look(ctx, first && !ok)
	if err != nil {
		return nil, err
	}
	r.noteEvent(event, in)
	cutOff, err := r.record.Begin()
	if err != nil {
		return nil, fmt.Errorf("note the change: %w", err)
	}
	before := in.Health
	if err := r.settle(&in, event); err != nil {
		return nil, fmt.Errorf("save the verdicts: %w", err)
	}
	if cutOff {
		before = r.tracked(before) // trackers may not have been told
	}
	if err := r.change(in, before, event, cutOff); err != nil {
		return nil, err
	}
	r.follow(before, in.Health, event)
	return r.news(before, in, event), r.record.Done()
}

// change brings the kernel to the plan: only the policies that a verdict touches, where nothing else can have changed. The
// lock is held.
func (r *router) change(in plan.Inputs, before health.States, event plan.Event, cutOff bool) error {
	running, ok := r.record.Running()
	backend, name, err := firewall.Choose(r.cfg.Globals.Backend, running)
	if err != nil {
		return err
	}
	r.addSets(&in, name)
	only := onlyVerdict(event, before, in.Health) && !cutOff && running == name && r.record.Fits(in)
	if only && r.applyVerdict(backend, in, event) == nil {
		return nil
	}
	switch {
	case cutOff:
		running = "" // the other backend may have a marking, too
	case !ok && !upstreamLoaded():
		running = name
	}
	return r.carryOut(in, backend, name, running)
}

// upstreamLoaded tells whether the kernel may have upstream's marking, of which no record of ours tells: its package has been
// replaced while it was running. Its chains never are without its sets.
func upstreamLoaded() bool {
	have, err := ipset.List()
	return err == nil && len(ipset.Ours(have)) > 0
}

// carryOut brings the whole kernel to the plan with the backend of that name, and takes the marking of another away.
// running is the backend that has one now; empty if that is not certain.
func (r *router) carryOut(in plan.Inputs, backend firewall.Backend, name, running config.Backend) error {
	if _, ok := r.record.Running(); !ok {
		// From here on it is for the next run to end what this start begins.
		if err := r.record.Started(name, r.cfg.Globals.Mask, in.Carried()...); err != nil {
			return err
		}
	}
	kernel := apply.Kernel{Routing: r.routing, Marker: succeed(backend, name, running)}
	if err := r.walk(kernel, in); err != nil {
		return err
	}
	if err := survey.KeepConfig(r.record.LoadedConfig()); err != nil {
		r.log.Warn("keep the configuration for later changes of routes: %v", err)
	}
	return r.record.Started(name, r.cfg.Globals.Mask, in.Carried()...)
}

// settle decides and saves the verdicts.
func (r *router) settle(in *plan.Inputs, event plan.Event) error {
	before := in.Health
	in.Health = in.Settle(event, r.announced())
	return r.saveStates(before, in.Health)
}

// look reads interfaces and verdicts. At boot mwan3 starts before netifd: then there are no interfaces yet. Later on, a
// netifd that does not answer is no reason to take anything down.
func (r *router) look(ctx context.Context, boot bool) (plan.Inputs, error) {
	if boot && survey.HasNetifd() && !survey.NetifdStarted(ctx) {
		r.log.Notice("netifd is not there yet, interfaces are taken in when it brings them up")
		return plan.Inputs{Config: r.cfg, Network: network.State{Families: r.routing.Families()}}, nil
	}
	return survey.Look(ctx, r.cfg, r.routing)
}

// onlyVerdict tells whether an event can only have changed which members policies use. It is more when the look shows an
// interface that has come up or gone down meanwhile.
func onlyVerdict(event plan.Event, before, after health.States) bool {
	if event.Action != plan.ActionConnected && event.Action != plan.ActionDisconnected {
		return false
	}
	sameUp := func(a, b health.State) bool { return (a == health.Down) == (b == health.Down) }
	return maps.EqualFunc(before, after, sameUp)
}

// applyVerdict rewrites the policies that the event's interface is a member of. It fails when the marking is not there
// as a whole; then everything is to be loaded again.
func (r *router) applyVerdict(marker apply.Marker, in plan.Inputs, event plan.Event) error {
	marking, _ := in.Marking()
	var touched []string
	for _, policy := range r.cfg.Policies {
		uses := func(m config.Member) bool { return m.Interface == event.Interface }
		if slices.ContainsFunc(policy.Members, uses) {
			touched = append(touched, policy.Name)
		}
	}
	if len(touched) == 0 {
		return nil
	}
	return marker.LoadPolicies(marking, touched)
}

// applyAll brings the whole kernel to the plan, and says what it left out.
func (r *router) applyAll(kernel apply.Kernel, in plan.Inputs) ([]string, error) {
	if err := r.readKernel(&in); err != nil {
		return nil, err
	}
	want := plan.Make(in)
	notes, err := kernel.Plan(want, in)
	return append(want.Notes, notes...), err
}

// readKernel tells the plan which routes and ip rules there are.
func (r *router) readKernel(in *plan.Inputs) (err error) {
	if in.Network.Routes, err = r.routing.Routes(); err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	if in.Network.Rules, err = r.routing.Rules(); err != nil {
		return fmt.Errorf("list ip rules: %w", err)
	}
	return nil
}

// addSets tells the plan which sets the rules' option ipset can mean. With nftables the kernel's ipsets are copied,
// and a set that nobody has made is made.
func (r *router) addSets(in *plan.Inputs, backend config.Backend) {
	var names []string
	for _, rule := range r.cfg.Rules {
		if rule.Set != "" {
			names = append(names, rule.Set)
		}
	}
	in.Network.OpenSets = backend == config.NFTables
	sets, err := ipset.Sets(names)
	if err != nil {
		r.log.Warn("list ipsets: %v", err)
	}
	in.Network.Sets = sets
}
