// Package plan decides. Given what the user wants (config), what is there (network) and what works (health), it says
// how the kernel has to be: which packet gets which mark, which table a mark selects, what the tables hold. It is
// pure: no I/O, no clock, no log; the same inputs give the same plan. Decisions stay decisions here; packages
// nft, iptables and iproute write them in the kernel's words.
//
//	packet ──► marking: it gets a mark ──► rule: the mark selects a table ──► table: the table routes it
package plan

import (
	"net/netip"
	"slices"
	"time"

	"mwan3/config"
	"mwan3/network"
)

// Plan is everything that mwan3 has in the kernel.
type Plan struct {
	Marking Marking        // which packet gets which mark
	Sets    []Set          // the networks that need no uplink, and users' sets; they follow the routes, not the verdicts
	Rules   []network.Rule // which table a mark selects
	Tables  []Table        // what the tables hold, by id
	Notes   []string       // what was left out and why, for the log
}

// Marking is the decision which packet gets which mark, family by family. All of it happens under Mask.
type Marking struct {
	Mask     config.Mask
	LogLevel config.LogLevel
	Families []FamilyMarking // those that the kernel has
}

// FamilyMarking is the marking of one family, in the order in which a packet meets it (contracts 2.4): restore the
// connection's mark, Inbound, connected sets, Rules, save, connected sets again.
type FamilyMarking struct {
	Family   network.Family
	Marks    []Mark    // the interfaces that can carry a mark: enabled ones of the family, in config order
	Inbound  []Inbound // connections that come in through an uplink are answered through it
	Policies []Policy  // in config order, then those that only a rule names
	Rules    []Rule    // in match order
}

// Mark is an interface and its mark.
type Mark struct {
	Interface string
	Value     uint32
}

// Inbound marks what comes in on an interface that is up.
type Inbound struct {
	Mark
	Device string
}

// Policy is the decision where new connections of a policy go.
type Policy struct {
	Name       string
	Shares     []Share        // the best tier, in the order of use_member; each gets Weight of the total
	Out        []Inbound      // without shares: the members; the router's own packets bound to their device use main
	LastResort config.Special // without shares: where the rest goes
	Undefined  bool           // named by a rule only: matches nothing
}

// Share is one member of the best tier.
type Share struct {
	Mark
	Weight int // ≥ 1
}

// Total is the sum of the weights, 0 without shares.
func (p Policy) Total() int {
	total := 0
	for _, share := range p.Shares {
		total += share.Weight
	}
	return total
}

// Rule is one user rule, for one family. All its matches must hold; an empty one always does.
type Rule struct {
	Name     string
	Proto    config.Proto // 0 = all; the family's own ICMP
	Src, Dst config.Addresses
	SrcPorts []config.Ports // only with TCP or UDP
	DstPorts []config.Ports
	InDevice string
	Set      string // the user's name of a set; the destination must be in it
	Log      bool
	Policy   string         // where it sends the packet: a policy of the marking …
	Special  config.Special // … or, if Policy is empty, this destination
	Sticky   *Sticky        // nil = not sticky
}

// Sticky makes a source keep the interface that the rule's policy gave it.
type Sticky struct {
	Timeout time.Duration // restarts at each new connection
	Members []StickyMember
}

// StickyMember is an interface that sources can stick to. In the order in which upstream asks them: the last one
// of the config first.
type StickyMember struct {
	Mark
	Usable bool // in the policy's best tier now; if not, its entries are kept but not followed
}

// Kind says what a set is for.
type Kind string

// The four kinds of sets. Backends name the first three after kind and family (mwan3_connected_ipv4).
const (
	Connected Kind = "connected" // networks that main routes without an uplink
	Custom    Kind = "custom"    // networks of the tables of rt_table_lookup
	Dynamic   Kind = "dynamic"   // filled by other programs; never touched by us
	User      Kind = "user"      // named by a rule's option ipset
)

// Set is one set of destination networks.
type Set struct {
	Kind     Kind
	Name     string // of User sets; empty otherwise
	Family   network.Family
	Prefixes []netip.Prefix // sorted, unique; may overlap. Dynamic sets and users' own sets have none of ours
	Copy     bool           // User: Prefixes are a copy of a set elsewhere and replace the members
}

// Equal tells whether two sets are the same with the same members.
func (s Set) Equal(other Set) bool {
	return s.Kind == other.Kind && s.Name == other.Name && s.Family == other.Family && s.Copy == other.Copy &&
		slices.Equal(s.Prefixes, other.Prefixes)
}

// Table is the routing table of an interface that is up.
type Table struct {
	ID     int
	Family network.Family
	Routes []network.Route // Table field = ID
}
