package main

import (
	"fmt"
	"io"

	"mwan3/config"
	"mwan3/firewall"
	"mwan3/iptables"
	"mwan3/network"
	"mwan3/nft"
	"mwan3/plan"
	"mwan3/survey"
)

// print shows the plan for the router as it is now, in the words of nft, iptables and ip. It touches nothing.
func (c cli) print() error {
	r, err := openRouter("mwan3")
	if err != nil {
		return err
	}
	defer r.close()
	in, err := survey.LookDeep(c.ctx, r.cfg, r.routing)
	if err != nil {
		return err
	}
	running, _ := r.record.Running()
	_, name, err := firewall.Choose(r.cfg.Globals.Backend, running)
	if err != nil {
		return err
	}
	in.Health = in.Settle(plan.Event{}, r.announced())
	r.addSets(&in, name)
	printPlan(c.out, plan.Make(in), name)
	return nil
}

// printPlan writes the four parts of a plan, each under a heading.
func printPlan(w io.Writer, p plan.Plan, backend config.Backend) {
	fmt.Fprintf(w, "-- marking (%s) --\n", backend)
	if backend == config.NFTables {
		fmt.Fprint(w, nft.Render(p.Marking, p.Sets))
	} else {
		for _, part := range p.Marking.Families {
			fmt.Fprint(w, iptables.Render(p.Marking, part.Family))
		}
	}
	fmt.Fprintln(w, "-- rules --")
	printRules(w, p.Rules)
	fmt.Fprintln(w, "-- tables --")
	printTables(w, p.Tables)
	fmt.Fprintln(w, "-- notes --")
	for _, note := range p.Notes {
		fmt.Fprintln(w, note)
	}
}

func printRules(w io.Writer, rules []network.Rule) {
	for _, rule := range rules {
		fmt.Fprintf(w, "%s %s\n", ipFlag(rule.Family), rule)
	}
}

func printTables(w io.Writer, tables []plan.Table) {
	for _, table := range tables {
		for _, route := range table.Routes {
			fmt.Fprintf(w, "%s table %d: %s\n", ipFlag(table.Family), table.ID, route)
		}
	}
}

// ipFlag is the option of the ip tool for a family.
func ipFlag(f network.Family) string {
	if f == network.IPv6 {
		return "-6"
	}
	return "-4"
}

// check prints everything that is wrong with the config, one line each, and fails if there is anything.
func (c cli) check() error {
	_, faults, err := survey.Config()
	if err != nil {
		return err
	}
	for _, fault := range faults {
		fmt.Fprintln(c.out, fault)
	}
	if len(faults) > 0 {
		return exitCode(1)
	}
	return nil
}
