package config

import (
	"fmt"
	"strconv"
)

// maxMetric is the highest metric that a policy takes.
const maxMetric = 256

// member reads a member section.
func (p *parser) member(r *reader) {
	iface := r.text("interface")
	weight := r.number("weight", limits{1, most, 1})
	metric, ok := r.metric(iface)
	if _, exists := p.cfg.Interface(iface); !exists {
		r.fault("interface", "the name of an interface section; the member is left out")
		ok = false
	}
	if p.again(r) {
		return
	}
	p.members[r.section.Name] = nil
	if ok {
		p.members[r.section.Name] = &Member{Name: r.section.Name, Interface: iface, Metric: metric, Weight: weight}
	}
}

func (r *reader) metric(iface string) (int, bool) {
	text := first(r.text("metric"), "1")
	metric, err := strconv.Atoi(text)
	switch {
	case err != nil || metric < 0:
		r.fault("metric", fmt.Sprintf("a whole number from 0 to %d; the member is left out", maxMetric))
	case metric > maxMetric:
		r.fault("metric", fmt.Sprintf("Member interface %s has >%d metric. Not appending to policy", iface, maxMetric))
	default:
		return metric, true
	}
	return 0, false
}

// policy reads a policy section.
func (p *parser) policy(r *reader) {
	policy := Policy{
		Name:       r.section.Name,
		Members:    p.useMember(r),
		LastResort: Special(r.choice("last_resort", string(Unreachable), string(Blackhole), string(Default))),
	}
	if p.again(r) {
		return
	}
	if isSpecial(policy.Name) {
		r.fault("", fmt.Sprintf("another name: rules take %s for the destination of that name, never for this policy",
			policy.Name))
	}
	p.cfg.Policies = append(p.cfg.Policies, policy)
}

// useMember resolves the members of a policy; those that cannot be used have been reported where they stand.
func (p *parser) useMember(r *reader) []Member {
	named := r.list("use_member")
	if len(named) == 0 {
		r.fault("use_member", "at least one member section; all traffic of the policy goes to its last_resort")
	}
	var members []Member
	for _, v := range named {
		member, ok := p.members[v.Text]
		if !ok {
			r.faultIn("use_member", v, "the name of a member section; it is left out")
		}
		if member != nil {
			members = append(members, *member)
		}
	}
	return members
}

func isSpecial(name string) bool {
	switch Special(name) {
	case Default, Unreachable, Blackhole:
		return true
	}
	return false
}
