package plan

import (
	"slices"

	"mwan3/config"
)

// Step is a state through which the kernel goes: a plan, and what becomes of living connections.
type Step struct {
	Before  []Remark // to be made before its plan is loaded
	Inputs  Inputs
	After   []Remark  // to be made when its plan is loaded
	Carries []Carried // the marks that connections can carry as soon as it is begun; none = as before
}

// Held is a further id of an interface, whose mark leads where the interface leads.
type Held struct {
	Interface string
	ID        int
}

// Steps leads from the marks that living connections carry to those of the config; it is one step if they are the
// same.
//
// No mark may change its meaning while anybody carries it: a packet that leaves through another interface breaks its
// connection (masquerading forgets it at once). So interfaces that change their marks take a way round. First they get marks
// that nobody has; new connections get them, old ones keep theirs, which lead where they led, until they are translated.
// In the same manner they get the marks of the config then. Each step but the last keeps the mask; the last one clears up.
func (in Inputs) Steps(before []Carried) []Step {
	after := in.Carried()
	last := Step{Inputs: in}
	if len(before) == 0 || slices.Equal(before, after) {
		return []Step{last}
	}
	steps, before := in.wayRound(before)
	if len(after) > 0 && before[0].Mask != after[0].Mask {
		last.Before = some(both(before, after))
		last.After = some(Remarks(before, after), cleared(before, after))
	} else {
		last.Carries = union(before, after)
		last.After = some(Remarks(before, after))
	}
	return append(steps, last)
}

// union lists what is in a or in b, once.
func union(a, b []Carried) []Carried {
	all := slices.Clone(a)
	for _, c := range b {
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// some drops translations that change nothing.
func some(remarks ...Remark) []Remark {
	return slices.DeleteFunc(remarks, func(r Remark) bool { return len(r.Change) == 0 })
}

// wayRound gives those interfaces that change their marks free ones and then, still under the old mask, those of the
// config. It returns what connections carry then. If there are too few ids, there is no way round.
func (in Inputs) wayRound(before []Carried) ([]Step, []Carried) {
	in.Config.Globals.Mask = config.Mask(before[0].Mask)
	moving := moving(before, in.Carried())
	away, ok := in.withIDs(in.freeIDs(before), moving)
	if len(moving) == 0 || !ok {
		return nil, before
	}
	back := in
	there, here := away.Carried(), back.Carried()
	away.Held, back.Held = held(before, moving), held(there, moving)
	return []Step{
		{Inputs: away, Carries: union(before, there), After: some(Remarks(before, there))},
		{Inputs: back, Carries: union(there, here), After: some(Remarks(there, here))},
	}, here
}

// withIDs gives interfaces other ids. It fails if those are too few, or if the mask has no room for all interfaces.
func (in Inputs) withIDs(ids []int, of map[string]bool) (Inputs, bool) {
	sections := slices.Clone(in.Config.Interfaces)
	for i, section := range sections {
		switch {
		case section.ID > in.Config.Globals.Mask.MaxID():
			return in, false
		case !section.Enabled || !of[section.Name]:
			continue
		case len(ids) == 0:
			return in, false
		}
		sections[i].ID, ids = ids[0], ids[1:]
	}
	in.Config.Interfaces = sections
	return in, true
}

// moving names the interfaces that get another mark, or one that was another's.
func moving(before, after []Carried) map[string]bool {
	names := map[string]bool{}
	for _, b := range before {
		for _, a := range after {
			if (a.Interface == b.Interface) != (a.Mark == b.Mark) {
				names[a.Interface] = true
			}
		}
	}
	return names
}

// held lists the ids behind the marks of interfaces.
func held(carried []Carried, of map[string]bool) []Held {
	var all []Held
	for _, c := range carried {
		if of[c.Interface] {
			all = append(all, Held{c.Interface, config.Mask(c.Mask).ID(c.Mark)})
		}
	}
	return all
}

// heldBy lists the further ids of an interface.
func (in Inputs) heldBy(name string) []int {
	var ids []int
	for _, h := range in.Held {
		if h.Interface == name {
			ids = append(ids, h.ID)
		}
	}
	return ids
}

// freeIDs lists the ids that nobody uses, neither for a mark nor for a table or an ip rule, the highest first.
func (in Inputs) freeIDs(before []Carried) []int {
	used := map[int]bool{}
	for _, section := range in.Config.Interfaces {
		used[section.ID] = true
	}
	for _, carried := range before {
		used[config.Mask(carried.Mask).ID(carried.Mark)] = true
	}
	for _, table := range in.Config.Globals.RTTableLookup {
		used[table] = true
	}
	for _, route := range in.Network.Routes {
		used[route.Table] = true
	}
	for _, rule := range in.Network.Rules {
		used[rule.Table] = true
		if rule.Priority > priorityIn && rule.Priority < priorityUnreachable+1000 {
			used[rule.Priority%1000] = true
		}
	}
	var free []int
	for id := in.Config.Globals.Mask.MaxID(); id > 0; id-- {
		if !used[id] {
			free = append(free, id)
		}
	}
	return free
}
