// Package apply makes it so: it brings the kernel to a plan in an order in which traffic flows at every step, and
// keeps two writers apart.
//
// Whatever changes, what a packet may need is added from the far end (tables, rules, marking) before anything is taken
// away from the near end (marking, rules, tables). A mark never points nowhere, so a crash between two steps
// leaves traffic flowing, and the next run ends the work.
package apply

import (
	"errors"
	"strings"

	"mwan3/iproute"
	"mwan3/network"
	"mwan3/plan"
)

// Marker carries out the marking: nftables or iptables.
type Marker interface {
	// Load replaces the whole marking and all sets but the users' and dynamic ones, and says what it left out.
	Load(plan.Marking, []plan.Set) ([]string, error)
	// LoadPolicies rewrites the named policies only. It fails when the marking is not loaded.
	LoadPolicies(m plan.Marking, names []string) error
	// LoadSets swaps the members of the connected and custom sets. It fails when the marking is not loaded.
	LoadSets([]plan.Set) error
	// Remove takes everything away that Load ever made.
	Remove() error
}

// Kernel is where plans are carried out.
type Kernel struct {
	Routing *iproute.Handle
	Marker  Marker
}

// Plan brings the kernel to the plan that was made from in. It says what had to be left out. When the marking cannot
// be loaded, that is an error and nothing is taken away; a route or rule that the kernel refuses is left out.
func (k Kernel) Plan(want plan.Plan, in plan.Inputs) ([]string, error) {
	addRules, delRules := network.DiffRules(ownRules(in), want.Rules)
	refused := errors.Join(k.Tables(want.Tables, in), k.Routing.EditRules(addRules, nil))
	notes, err := k.Marker.Load(want.Marking, want.Sets)
	if err != nil {
		return notes, errors.Join(err, refused)
	}
	refused = errors.Join(refused, k.remove(delRules, emptied(want.Tables, in)))
	if refused != nil {
		notes = append(notes, strings.Split(refused.Error(), "\n")...)
	}
	return notes, nil
}

// Tables brings the tables of the interfaces that are up to the plan, and touches no others.
func (k Kernel) Tables(want []plan.Table, in plan.Inputs) error {
	wanted := map[plan.TableKey]bool{}
	var routes []network.Route
	for _, table := range want {
		wanted[table.Key()] = true
		routes = append(routes, table.Routes...)
	}
	var have []network.Route
	for _, route := range in.Network.Routes {
		if wanted[plan.KeyOf(route)] {
			have = append(have, route)
		}
	}
	add, del := network.DiffRoutes(have, routes)
	return k.Routing.EditRoutes(add, del)
}

// Remove takes everything away that is ours.
func (k Kernel) Remove(in plan.Inputs) error {
	if err := k.Marker.Remove(); err != nil {
		return err
	}
	return k.remove(ownRules(in), emptied(nil, in))
}

// remove takes away rules and routes. The rules that guard marks stay until the tables are empty: they also show to
// a later run, should this one be cut off, whose tables these are.
func (k Kernel) remove(rules []network.Rule, routes []network.Route) error {
	var first, last []network.Rule
	for _, rule := range rules {
		if plan.Guards(rule) {
			last = append(last, rule)
		} else {
			first = append(first, rule)
		}
	}
	return errors.Join(
		k.Routing.EditRules(nil, first),
		k.Routing.EditRoutes(nil, routes),
		k.Routing.EditRules(nil, last),
	)
}

// ownRules picks the rules of ours out of the kernel's.
func ownRules(in plan.Inputs) []network.Rule {
	var own []network.Rule
	for _, rule := range in.Network.Rules {
		if plan.Owns(rule) {
			own = append(own, rule)
		}
	}
	return own
}

// emptied lists the routes in tables of ours that hold nothing any more.
func emptied(want []plan.Table, in plan.Inputs) []network.Route {
	own := in.OwnTables()
	for _, table := range want {
		delete(own, table.Key())
	}
	var routes []network.Route
	for _, route := range in.Network.Routes {
		if own[plan.KeyOf(route)] {
			routes = append(routes, route)
		}
	}
	return routes
}
