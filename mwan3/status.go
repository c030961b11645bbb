package main

import (
	"errors"
	"fmt"
	"strings"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
)

// status shows everything that people ask for, as far as it can be seen.
func (c cli) status() error {
	return c.show(c.printInterfaces, c.printPolicies, c.printConnected, c.printRules)
}

func (c cli) interfaces() error { return c.show(c.printInterfaces) }
func (c cli) policies() error   { return c.show(c.printPolicies) }
func (c cli) connected() error  { return c.show(c.printConnected) }
func (c cli) rules() error      { return c.show(c.printRules) }

// show prints parts of what one look at the router finds. A part that fails does not keep the next from being shown.
func (c cli) show(parts ...func(*view) error) error {
	r, err := openRouter("mwan3")
	if err != nil {
		return err
	}
	defer r.close()
	v := newView(c.ctx, r)
	var all error
	for _, part := range parts {
		if err := part(v); err != nil && (all == nil || !strings.Contains(all.Error(), err.Error())) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// printPolicies shows each policy's members with their shares, as the kernel has them.
func (c cli) printPolicies(v *view) error {
	policies, err := v.policies()
	if err != nil {
		return err
	}
	for _, family := range v.families {
		fmt.Fprintf(c.out, "Current %s policies:\n", family)
		for _, policy := range policies[family] {
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

// printConnected shows the networks that need no uplink.
func (c cli) printConnected(v *view) error {
	for _, family := range v.families {
		networks, err := v.connected(family)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Directly connected %s networks:\n", family)
		c.printLines(networks)
	}
	return nil
}

// printRules shows the user's rules with their counters, in the columns of iptables.
func (c cli) printRules(v *view) error {
	wall, err := v.firewall()
	if err != nil {
		return err
	}
	in, err := v.look()
	if err != nil {
		return err
	}
	if wall != nil {
		v.addSets(&in, wall.name)
	}
	marking, _ := in.Marking()
	for _, part := range marking.Families {
		var lines []string
		if wall != nil {
			lines, err = wall.Rules(part)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Active %s user rules:\n", part.Family)
		c.printLines(lines)
	}
	return nil
}

// printLines prints a list and the empty line after it.
func (c cli) printLines(lines []string) {
	for _, line := range lines {
		fmt.Fprintln(c.out, line)
	}
	fmt.Fprintln(c.out)
}

// printInterfaces shows each enabled or disabled interface's state in one line.
func (c cli) printInterfaces(v *view) error {
	interfaces, err := v.interfaces("")
	if err != nil {
		return err
	}
	kernel := &remains{view: v}
	fmt.Fprintln(c.out, "Interface status:")
	for _, iface := range interfaces {
		line := interfaceLine(iface)
		if iface.record.Status != health.StatusOnline {
			missing, err := kernel.missing(iface.section)
			if err != nil {
				return err
			}
			if missing != 0 {
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
func interfaceLine(iface interfaceView) string {
	line := fmt.Sprintf(" interface %s is %s and tracking is %s", iface.section.Name, iface.record.Status, iface.tracking)
	if iface.record.Status != health.StatusOnline {
		return line
	}
	return fmt.Sprintf("%s (%s %s, uptime %s)", line, iface.state, clock(iface.online), clock(iface.uptime))
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

// remains is what the kernel has of the interfaces. It is read when the first of them is not online.
type remains struct {
	*view
	seen    bool
	inputs  plan.Inputs
	inbound map[network.Family]map[string]bool
}

func (k *remains) read() error {
	if k.seen {
		return nil
	}
	k.seen = true
	k.inputs, _ = k.look()
	if err := k.readKernel(&k.inputs); err != nil {
		return err
	}
	k.inbound = map[network.Family]map[string]bool{}
	wall, _ := k.firewall()
	for _, family := range k.families {
		k.inbound[family] = map[string]bool{}
		if wall == nil {
			continue
		}
		names, _ := wall.Inbound(family)
		for _, name := range names {
			k.inbound[family][name] = true
		}
	}
	return nil
}

// missing adds up what the kernel lacks of an interface.
func (k *remains) missing(iface config.Interface) (int, error) {
	if err := k.read(); err != nil {
		return 0, err
	}
	missing := missingInRule | missingMarkRule | missingGuardRule | missingInbound | missingDefault
	bits := map[int]int{1000: missingInRule, 2000: missingMarkRule, 3000: missingGuardRule}
	for _, rule := range k.inputs.Network.Rules {
		if rule.Family == iface.Family && plan.Owns(rule) && rule.Priority%1000 == iface.ID {
			missing &^= bits[rule.Priority-iface.ID]
		}
	}
	if k.inbound[iface.Family][iface.Name] {
		missing &^= missingInbound
	}
	found, _ := k.inputs.Network.Lookup(iface.Name, iface.Family)
	for _, route := range k.inputs.Network.Routes {
		if route.IsDefault() && route.Family == iface.Family && route.Table == iface.ID && route.Device == found.Device {
			missing &^= missingDefault
		}
	}
	return missing, nil
}
