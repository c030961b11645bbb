package plan

import "strings"

// PolicyView is what the kernel does with a policy's new connections at this moment, as a backend read it back.
type PolicyView struct {
	Name       string
	Members    []MemberView // in upstream's order: the last share first
	LastResort string       // without members: unreachable, blackhole, default, or empty for an undefined policy
}

// Compare orders views by name.
func (v PolicyView) Compare(other PolicyView) int { return strings.Compare(v.Name, other.Name) }

// MemberView is an interface's part of a policy.
type MemberView struct {
	Interface string
	Percent   int // floor(weight * 100 / total)
}
