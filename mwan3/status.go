package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"mwan3/config"
	"mwan3/firewall"
	"mwan3/health"
	"mwan3/plan"
	"mwan3/survey"
)

// status shows everything that people ask for, as far as it can be seen.
func (c cli) status() error {
	var all error
	for _, show := range []func() error{c.interfaces, c.policies, c.connected, c.rules} {
		if err := show(); err != nil && (all == nil || !strings.Contains(all.Error(), err.Error())) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// view opens the router and the backend that holds the marking, for reading.
func view() (*router, firewall.Backend, error) {
	r, err := openRouter("mwan3")
	if err != nil {
		return nil, nil, err
	}
	backend, _, err := r.backend()
	if err != nil {
		r.close()
		return nil, nil, err
	}
	return r, backend, nil
}

// policies shows each policy's members with their shares, as the kernel has them.
func (c cli) policies() error {
	r, backend, err := view()
	if err != nil {
		return err
	}
	defer r.close()
	for _, family := range r.routing.Families() {
		fmt.Fprintf(c.out, "Current %s policies:\n", family)
		policies, err := backend.Policies(family)
		if err != nil {
			return err
		}
		for _, policy := range policies {
			c.printPolicy(policy)
		}
		fmt.Fprintln(c.out)
	}
	return nil
}

func (c cli) printPolicy(policy plan.PolicyView) {
	fmt.Fprintf(c.out, "%s:\n", policy.Name)
	if len(policy.Members) == 0 {
		fmt.Fprintf(c.out, " %s\n", policy.LastResort)
	}
	for _, member := range policy.Members {
		fmt.Fprintf(c.out, " %s (%d%%)\n", member.Interface, member.Percent)
	}
}

// connected shows the networks that need no uplink.
func (c cli) connected() error {
	r, backend, err := view()
	if err != nil {
		return err
	}
	defer r.close()
	for _, family := range r.routing.Families() {
		fmt.Fprintf(c.out, "Directly connected %s networks:\n", family)
		networks, err := backend.Connected(family)
		if err != nil {
			return err
		}
		for _, network := range networks {
			fmt.Fprintln(c.out, network)
		}
		fmt.Fprintln(c.out)
	}
	return nil
}

// rules shows the user's rules with their counters, in the columns of iptables.
func (c cli) rules() error {
	r, backend, err := view()
	if err != nil {
		return err
	}
	defer r.close()
	in, err := survey.Look(c.ctx, r.cfg, r.routing)
	if err != nil {
		return err
	}
	_, name, err := r.backend()
	if err != nil {
		return err
	}
	r.addSets(&in, name)
	marking, _ := in.Marking()
	for _, part := range marking.Families {
		fmt.Fprintf(c.out, "Active %s user rules:\n", part.Family)
		lines, err := backend.Rules(part)
		if err != nil {
			return err
		}
		for _, line := range lines {
			fmt.Fprintln(c.out, line)
		}
		fmt.Fprintln(c.out)
	}
	return nil
}

// interfaces shows each enabled or disabled interface's state in one line.
func (c cli) interfaces() error {
	r, backend, err := view()
	if err != nil {
		return err
	}
	defer r.close()
	in, err := survey.LookDeep(c.ctx, r.cfg, r.routing)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, "Interface status:")
	for _, iface := range r.cfg.Interfaces {
		tracker := r.tracker(iface.Name)
		line := interfaceLine(iface, tracker, in)
		if tracker.Status != health.StatusOnline {
			if missing := missingParts(iface, in, backend); missing != 0 {
				line += fmt.Sprintf(" (%d)", missing)
			}
		}
		fmt.Fprintln(c.out, line)
	}
	fmt.Fprintln(c.out)
	return nil
}

// interfaceLine is ` interface wan is online and tracking is active (online 00h:12m:34s, uptime 01h:02m:03s)`; the
// parenthesis only for a tracker that says online, with the word that policies follow.
func interfaceLine(iface config.Interface, tracker trackerView, in plan.Inputs) string {
	line := fmt.Sprintf(" interface %s is %s and tracking is %s", iface.Name, tracker.Status, tracker.word(iface))
	if tracker.Status != health.StatusOnline {
		return line
	}
	found, _ := in.Network.Lookup(iface.Name, iface.Family)
	return fmt.Sprintf("%s (%s %s, uptime %s)", line, in.Health[iface.Name],
		clock(tracker.now-tracker.Online), clock(int(found.Uptime)))
}

// trackerView is what an interface's tracker has told, and whether it is there at all.
type trackerView struct {
	health.Record
	alive bool
	now   int // uptime of the router, seconds
}

func (r *router) tracker(iface string) trackerView {
	_, alive := r.health.TrackerPID(iface)
	var info syscall.Sysinfo_t
	syscall.Sysinfo(&info)
	return trackerView{r.health.Record(iface, nil), alive, int(info.Uptime)}
}

// word says what the tracker does: disabled, down, paused or active.
func (t trackerView) word(iface config.Interface) string {
	switch {
	case len(iface.Tracking.Targets) == 0:
		return "disabled"
	case !t.alive:
		return "down"
	case !t.Started:
		return "paused"
	}
	return "active"
}

// clock prints seconds as upstream does: 01h:02m:03s.
func clock(seconds int) string {
	return fmt.Sprintf("%02dh:%02dm:%02ds", seconds/3600, seconds/60%60, seconds%60)
}

// The parts of an interface that `mwan3 interfaces` adds up when they are missing (contracts 4).
const (
	missingInRule = 1 << iota
	missingMarkRule
	missingGuardRule
	missingInbound
	missingDefault
)

// missingParts adds up what the kernel lacks of an interface.
func missingParts(iface config.Interface, in plan.Inputs, backend firewall.Backend) int {
	missing := missingInRule | missingMarkRule | missingGuardRule | missingInbound | missingDefault
	bits := map[int]int{1000: missingInRule, 2000: missingMarkRule, 3000: missingGuardRule}
	for _, rule := range in.Network.Rules {
		if rule.Family == iface.Family && plan.Owns(rule) && rule.Priority%1000 == iface.ID {
			missing &^= bits[rule.Priority-iface.ID]
		}
	}
	inbound, _ := backend.Inbound(iface.Family)
	for _, name := range inbound {
		if name == iface.Name {
			missing &^= missingInbound
		}
	}
	found, _ := in.Network.Lookup(iface.Name, iface.Family)
	for _, route := range in.Network.Routes {
		if route.IsDefault() && route.Family == iface.Family && route.Table == iface.ID && route.Device == found.Device {
			missing &^= missingDefault
		}
	}
	return missing
}
