// Package config is what the user wants: /etc/config/mwan3, typed, checked and complete. Parse turns the UCI
// sections into a Config in which every value is usable and every reference is resolved, and reports everything
// that is wrong with them; what is wrong is left out or replaced by its default, the rest goes on working.
package config

import (
	"net/netip"
	"time"

	"mwan3/network"
)

// Config is a whole configuration without faults.
type Config struct {
	Globals    Globals
	Interfaces []Interface // in file order, disabled ones too: the position gives the id
	Policies   []Policy    // in file order
	Rules      []Rule      // in file order, which is match order
}

// Globals is the section globals.
type Globals struct {
	Mask          Mask
	RTTableLookup []int // further tables whose routes count like those of main
	Logging       bool
	LogLevel      LogLevel
	SourceRouting bool    // keep "from <prefix>" of default routes
	Backend       Backend // ours: which firewall writes the marks
}

// Backend names the firewall that carries out the marking.
type Backend string

// Auto takes nftables where the kernel and the nft tool have it, else iptables.
const (
	Auto     Backend = "auto"
	NFTables Backend = "nftables"
	IPTables Backend = "iptables"
)

// LogLevel is a syslog level word as iptables and nft know it: emerg alert crit error warning notice info debug.
type LogLevel string

// Interface is one interface section.
type Interface struct {
	Name    string // netifd's name
	ID      int    // 1…Mask.MaxID(): table number, position of the mark, offset of the ip rules; 0: no id is left
	Enabled bool   // can be used: it has an id and a family
	Family  network.Family

	InitialOffline bool // initial_state offline: not used before the tracker says online
	Tracking       Tracking
	FlushConntrack []Event
	MoveFlows      bool // failover_flows move: when it fails and another can take over, its connections begin anew there
	EndOtherFlows  bool // recovery_flows end: when it recovers, the connections end that stood in for it elsewhere

	Device  string     // standalone mode: the device that netifd would have named
	Gateway netip.Addr // standalone mode: its next hop, when main has no default route through the device
}

// Event is an event after which the connection table may be flushed.
type Event string

// The events of option flush_conntrack.
const (
	EventIfup         Event = "ifup"
	EventIfdown       Event = "ifdown"
	EventConnected    Event = "connected"
	EventDisconnected Event = "disconnected"
)

// Tracking is how mwan3track watches one interface. An interface with no targets is not watched.
type Tracking struct {
	Targets     []string // option track_ip: addresses or host names, in order; with option track_gateway GatewayTarget is last
	Method      Method
	HTTPingSSL  bool
	Reliability int // targets that must answer in a round, ≥ 1
	Count       int // probes for a target in a round, ≥ 1
	Size        int // ICMP payload, bytes
	MaxTTL      int // 1…255
	Timeout     time.Duration
	TimeoutMax  time.Duration // option timeout_max: as far as slow answers may stretch Timeout; Timeout: not at all

	Port         int    // option track_port, or the method's own; 0 for methods without ports
	NSLookupName string // the name that nslookup asks for
	HTTPPath     string // the page that http gets, with its slash
	HTTPStatus   int    // what it must answer

	Interval            time.Duration // pause between rounds
	FailureInterval     time.Duration // while failing
	RecoveryInterval    time.Duration // while recovering
	KeepFailureInterval bool          // FailureInterval while offline, too
	Down                int           // bad rounds until offline, ≥ 1
	Up                  int           // good rounds until online, ≥ 1

	// CheckQuality makes figures decide whether a target that answers is up. What they are of is the method's: ping and
	// nping-icmp measure echoes, tcp and nping-tcp handshakes, http and httping a handshake and the status after it (with
	// httping_ssl the beginning of TLS), nslookup the server's look-up. Where answers name no request, which is arping,
	// nping-arp and nping-udp, a round trip counts from the latest, so one over a second looks shorter. The nping methods
	// need all answers: anything lost is a failure by itself; nping-tcp ends with it and counts the rest as lost. arping and
	// nslookup ask until they have their answers: their loss is of what they sent until then.
	CheckQuality    bool
	QualityWindow   int           // option quality_window: probes of a target that its figures are of, 1…1000; 1: the last
	FailureLatency  time.Duration // a target with at least this is down
	FailureLoss     int           // percent, likewise
	FailureJitter   time.Duration // option failure_jitter: likewise; 0: not looked at
	RecoveryLatency time.Duration // a target with at most this, and the other two, is up
	RecoveryLoss    int
	RecoveryJitter  time.Duration // option recovery_jitter; 0: not looked at

	FlapDamping time.Duration // option flap_damping: half-life of the penalty for failures; 0: no penalty
}

// GatewayTarget is the target that stands for the next hop on the interface's way to the internet.
const GatewayTarget = "gateway"

// Method is a way to probe a target (option track_method).
type Method string

// The methods of upstream and, last, ours.
const (
	Ping      Method = "ping"
	ARPing    Method = "arping"
	HTTPing   Method = "httping"
	NpingTCP  Method = "nping-tcp"
	NpingUDP  Method = "nping-udp"
	NpingICMP Method = "nping-icmp"
	NpingARP  Method = "nping-arp"
	NSLookup  Method = "nslookup"
	TCP       Method = "tcp"  // a connection to track_port
	HTTP      Method = "http" // the page http_path, which must have http_status
)

// Policy is one policy section with its members resolved.
type Policy struct {
	Name       string
	Members    []Member // in the order of use_member
	LastResort Special
}

// Member is one member section as a policy uses it. Its interface exists in the Config (it may be disabled).
type Member struct {
	Name      string
	Interface string
	Metric    int // 0…256, lowest first
	Weight    int // ≥ 1
}

// Special is one of the three destinations that are no interface.
type Special string

// The three words of last_resort, and of use_policy beside policy names.
const (
	Unreachable Special = "unreachable"
	Blackhole   Special = "blackhole"
	Default     Special = "default"
)

// Rule is one rule section. Exactly one of Policy and Special is set. Policy may name a policy that does not
// exist: the rule then matches nothing for good and the packet goes on to the next (contracts B25).
type Rule struct {
	Name     string
	Families []network.Family // the families it applies to; its addresses fit them
	Proto    Proto
	Src, Dst Addresses
	SrcPorts []Ports // any of them; empty = all
	DstPorts []Ports
	SrcIface string // netifd name of the interface it must come in on; empty = any
	Set      string // option ipset: the destination must be in this set; empty = any
	Sticky   bool   // only with Policy
	Timeout  time.Duration
	Log      bool // rule.logging and globals.logging
	Policy   string
	Special  Special
}

// Proto is an IP protocol number; 0 matches all.
type Proto uint8

// The protocols that have ports or differ between the families.
const (
	ProtoAll    Proto = 0
	ProtoICMP   Proto = 1
	ProtoTCP    Proto = 6
	ProtoUDP    Proto = 17
	ProtoICMPv6 Proto = 58
)

// Addresses matches an address that is in one of the prefixes or, with Not, in none. Empty matches all.
type Addresses struct {
	Not      bool
	Prefixes []netip.Prefix // masked, all of one family
}

// Ports is a range of ports, both ends included.
type Ports struct{ First, Last uint16 }

// Interface returns the interface section of that name.
func (c Config) Interface(name string) (Interface, bool) {
	for _, iface := range c.Interfaces {
		if iface.Name == name {
			return iface, true
		}
	}
	return Interface{}, false
}
