package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/iptables"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/survey"
)

// errNotRunning says that mwan3 was not started, so nothing may be loaded.
var errNotRunning = errors.New("mwan3 is not running")

// reconcile is the one road: look, settle the verdicts, plan, apply. A start passes first, every other event finds
// mwan3 running or fails with errNotRunning. No other run and no rtmon changes anything meanwhile.
func (r *router) reconcile(ctx context.Context, event plan.Event, first bool) error {
	unlock, err := apply.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	running, ok := r.record.Running()
	if !ok && !first {
		return errNotRunning
	}
	in, err := r.look(ctx, first && !ok)
	if err != nil {
		return err
	}
	cutOff, err := r.record.Begin()
	if err != nil {
		return fmt.Errorf("note the change: %w", err)
	}
	states := in.Settle(event, r.announced())
	if err := r.saveStates(in.Health, states); err != nil {
		return fmt.Errorf("save the verdicts: %w", err)
	}
	before := in.Health
	in.Health = states
	backend, name, err := apply.Choose(r.cfg.Globals.Backend, running)
	if err != nil {
		return err
	}
	r.addSets(&in, name)
	if isVerdict(event) && !cutOff && running == name && r.applyVerdict(backend, in, event) == nil {
		return r.record.Done()
	}
	if err := r.applyAll(apply.Kernel{Routing: r.routing, Marker: backend}, in); err != nil {
		return err
	}
	if running != "" && running != name {
		r.removeBackend(running)
	}
	r.tellTrackers(before, states, event)
	return errors.Join(r.record.Started(name, r.cfg.Globals.Mask), r.record.Done())
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

// isVerdict tells whether an event can only have changed which members policies use.
func isVerdict(event plan.Event) bool {
	return event.Action == plan.ActionConnected || event.Action == plan.ActionDisconnected
}

// applyVerdict rewrites the policies that the event's interface is a member of. It fails when the marking is not there
// as a whole; then everything is to be loaded again.
func (r *router) applyVerdict(backend apply.Backend, in plan.Inputs, event plan.Event) error {
	if loaded, err := backend.Loaded(); err != nil || !loaded {
		return errors.Join(errNotRunning, err)
	}
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
	return backend.LoadPolicies(marking, touched)
}

// applyAll brings the whole kernel to the plan.
func (r *router) applyAll(kernel apply.Kernel, in plan.Inputs) error {
	routes, err := r.routing.Routes()
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	rules, err := r.routing.Rules()
	if err != nil {
		return fmt.Errorf("list ip rules: %w", err)
	}
	in.Network.Routes, in.Network.Rules = routes, rules
	want := plan.Make(in)
	notes, err := kernel.Plan(want, in)
	for _, note := range append(want.Notes, notes...) {
		r.log.Warn("%s", note)
	}
	return err
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
	sets, err := iptables.Sets(names)
	if err != nil {
		r.log.Warn("list ipsets: %v", err)
	}
	in.Network.Sets = sets
}

// removeBackend takes away the marking of the backend that was used before.
func (r *router) removeBackend(name config.Backend) {
	backend, _, err := apply.Choose(name, "")
	if err == nil {
		err = backend.Remove()
	}
	if err != nil {
		r.log.Warn("remove the marking of %s: %v", name, err)
	}
}
