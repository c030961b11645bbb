package main

import (
	"slices"

	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
)

// shift is a change of the interfaces' states, and decides what becomes of living connections. A config that has just
// been loaded ends none: an interface that was not in use before it has not recovered.
type shift struct {
	cfg           config.Config
	before, after health.States
	inUse         []plan.Carried // the interfaces that the run before had
}

// moved lists the interfaces whose connections are to begin anew on others: those with failover_flows move that have
// just failed while another one works, and those that failed when there was none, as soon as there is.
func (s shift) moved() []config.Interface {
	var moved []config.Interface
	for _, iface := range s.cfg.Interfaces {
		if iface.Enabled && iface.MoveFlows && s.after[iface.Name] != health.Online && s.relieved(iface) {
			moved = append(moved, iface)
		}
	}
	return moved
}

// relieved tells whether others can take over from an interface that is not online, and could not before.
func (s shift) relieved(iface config.Interface) bool {
	before, known := s.before[iface.Name]
	if before == health.Online {
		return s.hasOther(iface, s.isOnline)
	}
	wasOnline := func(other config.Interface) bool { return s.before[other.Name] == health.Online }
	return known && s.hasOther(iface, s.recovered) && !s.hasOther(iface, wasOnline)
}

// hasOther tells whether another interface of the family is as asked for.
func (s shift) hasOther(iface config.Interface, is func(config.Interface) bool) bool {
	return slices.ContainsFunc(s.cfg.Interfaces, func(other config.Interface) bool {
		return other.Enabled && other.Family == iface.Family && other.Name != iface.Name && is(other)
	})
}

func (s shift) isOnline(iface config.Interface) bool { return s.after[iface.Name] == health.Online }

// arrived tells whether an interface can be used that could not be before.
func (s shift) arrived(iface config.Interface) bool {
	return iface.Enabled && s.isOnline(iface) && s.before[iface.Name] != health.Online
}

// recovered is arrived without the interfaces that a start or a reload brings.
func (s shift) recovered(iface config.Interface) bool {
	return s.arrived(iface) && isAmong(s.inUse, iface.Name)
}

// isAmong tells whether an interface was in use.
func isAmong(inUse []plan.Carried, iface string) bool {
	return slices.ContainsFunc(inUse, func(c plan.Carried) bool { return c.Interface == iface })
}

// refreshed lists the families in which an interface has arrived.
func (s shift) refreshed() []network.Family {
	var families []network.Family
	for _, family := range network.Families {
		arrived := func(i config.Interface) bool { return i.Family == family && s.arrived(i) }
		if slices.ContainsFunc(s.cfg.Interfaces, arrived) {
			families = append(families, family)
		}
	}
	return families
}

// standIn is an interface that carried traffic in place of one that has recovered.
type standIn struct{ iface, recovered config.Interface }

// ended lists the interfaces whose connections are to end because one with recovery_flows end has recovered.
func (s shift) ended() []standIn {
	var ended []standIn
	for _, other := range s.cfg.Interfaces {
		for _, iface := range s.cfg.Interfaces {
			if iface.EndOtherFlows && s.recovered(iface) && s.stoodIn(other, iface) {
				ended = append(ended, standIn{other, iface})
				break
			}
		}
	}
	return ended
}

// stoodIn tells whether other carries connections only because iface was away: some policy with iface in a better tier
// used it, and none uses it now. If one does, nobody can tell whose connections it carries, so they stay.
func (s shift) stoodIn(other, iface config.Interface) bool {
	if !other.Enabled || other.Family != iface.Family || !s.isOnline(other) {
		return false
	}
	stoodIn := false
	for _, policy := range s.usedPolicies(iface.Family) {
		if s.inBestTier(policy, other, s.after) {
			return false
		}
		stoodIn = stoodIn || s.inBestTier(policy, other, s.before) && s.inBestTier(policy, iface, s.after)
	}
	return stoodIn
}

// usedPolicies lists the policies to which a rule sends traffic of the family.
func (s shift) usedPolicies(family network.Family) []config.Policy {
	var used []config.Policy
	for _, policy := range s.cfg.Policies {
		sends := func(r config.Rule) bool { return r.Policy == policy.Name && slices.Contains(r.Families, family) }
		if slices.ContainsFunc(s.cfg.Rules, sends) {
			used = append(used, policy)
		}
	}
	return used
}

// inBestTier tells whether the policy sends, or sent, new connections of the interface's family through it.
func (s shift) inBestTier(policy config.Policy, iface config.Interface, states health.States) bool {
	const none = 1 << 30
	best, own := none, none
	for _, member := range policy.Members {
		section, _ := s.cfg.Interface(member.Interface)
		if !section.Enabled || section.Family != iface.Family || states[section.Name] != health.Online {
			continue
		}
		best = min(best, member.Metric)
		if section.Name == iface.Name {
			own = min(own, member.Metric)
		}
	}
	return own == best && own < none
}
