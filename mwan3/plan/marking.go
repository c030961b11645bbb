package plan

import (
	"fmt"
	"slices"

	"mwan3/config"
	"mwan3/network"
)

// Marking decides which packet gets which mark, and says what it had to leave out.
func (in Inputs) Marking() (Marking, []string) {
	marking := Marking{Mask: in.Config.Globals.Mask, LogLevel: in.Config.Globals.LogLevel}
	var notes []string
	all := in.ifaces()
	for _, family := range in.Network.Families {
		part, left := in.familyMarking(family, all)
		marking.Families = append(marking.Families, part)
		notes = append(notes, left...)
	}
	slices.Sort(notes)
	return marking, slices.Compact(notes)
}

func (in Inputs) familyMarking(family network.Family, all []iface) (FamilyMarking, []string) {
	part := FamilyMarking{Family: family}
	for _, i := range all {
		if i.Family != family || !i.Enabled {
			continue
		}
		part.Marks = append(part.Marks, in.marks(i)...)
		if i.up {
			part.Inbound = append(part.Inbound, Inbound{Mark: in.mark(i), Device: i.device})
		}
	}
	members := membersOf(family, all)
	for _, policy := range in.Config.Policies {
		part.Policies = append(part.Policies, in.policy(policy, members))
	}
	var notes []string
	for _, section := range in.Config.Rules {
		if !slices.Contains(section.Families, family) {
			continue
		}
		rule, note, ok := in.rule(section, family, members)
		if note != "" {
			notes = append(notes, note)
		}
		if !ok {
			continue
		}
		part.Rules = append(part.Rules, rule)
		part.addUndefined(rule.Policy)
	}
	return part, notes
}

// addUndefined gives a policy that only a rule names an empty one to point to.
func (part *FamilyMarking) addUndefined(name string) {
	known := func(p Policy) bool { return p.Name == name }
	if name == "" || slices.ContainsFunc(part.Policies, known) {
		return
	}
	part.Policies = append(part.Policies, Policy{Name: name, Undefined: true})
}

// membersOf indexes a family's interfaces by name.
func membersOf(family network.Family, all []iface) map[string]iface {
	members := map[string]iface{}
	for _, i := range all {
		if i.Family == family {
			members[i.Name] = i
		}
	}
	return members
}

// policy decides where a policy's new connections go: to the online members with the lowest metric, by weight. The
// order of use_member does not select; it only orders the shares.
func (in Inputs) policy(section config.Policy, members map[string]iface) Policy {
	policy := Policy{Name: section.Name, LastResort: section.LastResort}
	lowest := 0
	for _, member := range section.Members {
		i, ok := members[member.Interface]
		switch {
		case !ok:
		case !i.online && i.device != "":
			policy.Out = append(policy.Out, Inbound{Mark: in.mark(i), Device: i.device})
		case !i.online:
		case policy.Shares == nil || member.Metric < lowest:
			lowest = member.Metric
			policy.Shares = []Share{{Mark: in.mark(i), Weight: member.Weight}}
		case member.Metric == lowest:
			policy.Shares = append(policy.Shares, Share{Mark: in.mark(i), Weight: member.Weight})
		}
	}
	if policy.Shares != nil {
		policy.Out = nil
	}
	return policy
}

// rule turns a rule section into one family's rule, if it can match there. A note says what hinders it.
func (in Inputs) rule(section config.Rule, family network.Family, members map[string]iface) (Rule, string, bool) {
	rule := Rule{
		Name: section.Name, Proto: familyProto(section.Proto, family),
		Src: section.Src, Dst: section.Dst, SrcPorts: section.SrcPorts, DstPorts: section.DstPorts,
		Set: section.Set, Log: section.Log, Policy: section.Policy, Special: section.Special,
	}
	if section.SrcIface != "" {
		rule.InDevice = in.Network.Interfaces[section.SrcIface].Device
		if rule.InDevice == "" {
			return Rule{}, fmt.Sprintf("could not find device corresponding to src_iface %s for rule %s",
				section.SrcIface, section.Name), false
		}
	}
	if lacks, note := in.lacksSet(section, family); lacks {
		return Rule{}, note, false
	}
	if section.Sticky && section.Policy != "" {
		rule.Sticky = in.sticky(section, members)
	}
	return rule, "", true
}

// familyProto makes "icmp" mean what a person means by it: in IPv6 that is ICMPv6.
func familyProto(proto config.Proto, family network.Family) config.Proto {
	if proto == config.ProtoICMP && family == network.IPv6 {
		return config.ProtoICMPv6
	}
	return proto
}

// sticky lists the interfaces of the rule's policy that are up, the last one of the config first.
func (in Inputs) sticky(section config.Rule, members map[string]iface) *Sticky {
	sticky := &Sticky{Timeout: section.Timeout}
	at := slices.IndexFunc(in.Config.Policies, func(p config.Policy) bool { return p.Name == section.Policy })
	if at < 0 {
		return sticky
	}
	wanted := in.Config.Policies[at]
	shares := in.policy(wanted, members).Shares
	for _, candidate := range slices.Backward(in.Config.Interfaces) {
		i, ok := members[candidate.Name]
		uses := func(m config.Member) bool { return m.Interface == candidate.Name }
		if !ok || !i.up || !slices.ContainsFunc(wanted.Members, uses) {
			continue
		}
		usable := slices.ContainsFunc(shares, func(s Share) bool { return s.Interface == i.Name })
		sticky.Members = append(sticky.Members, StickyMember{Mark: in.mark(i), Usable: usable})
	}
	return sticky
}
