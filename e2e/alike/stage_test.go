package alike

import (
	"cmp"
	"strings"
	"testing"

	"e2e/record"
	"mwan3/config"
	"mwan3/network"
	"mwan3/uci"
)

// sample is how many connections measure the shares of a policy.
const sample = 600

// stage is the router of a record with everything that it takes to probe it.
type stage struct {
	*gun
	t         *testing.T
	router    *record.Router
	record    record.Record
	ifaces    []string               // mwan3's interfaces that netifd has, in config order
	inUse     map[int]network.Family // the ids whose marks mean an interface
	faults    int
	forgetful bool // whether the config has mwan3 flush all connections at events
}

// state is what was seen in one state of the router.
type state struct {
	name      string
	firsts    []map[sight]int          // of new connections, by probe
	journeys  []journey                // of one new connection of each probe
	carried   []journey                // first: before the state began; the rest: in it
	forgotten bool                     // whether connections from before may be forgotten
	random    map[string]policy        // the policies that choose at random, by name and family
	spread    map[string]map[sight]int // one probe's connections, by policy
	refused   []sight                  // what became of packets whose senders count errors
	chosen    map[string]int           // that probe
}

// newStage builds the router.
func newStage(t *testing.T, r record.Record) *stage {
	t.Helper()
	s := &stage{t: t, router: record.NewRouter(t, r), record: r}
	quiet(t, s.router)
	s.router.SetRoutes("1-start")
	devices := s.router.Devices()
	o := observe(t, s.readConfig())
	end := product(t, []string{"lan", "udp", "192.168.1.254", "9", "192.168.1.1", "9"})[0]
	s.gun = &gun{wire: newWire(t, devices, o.packetMark()), observer: o, probes: probes(t, devices), end: end}
	return s
}

// readConfig reads which interfaces there are, and the mask.
func (s *stage) readConfig() config.Mask {
	s.t.Helper()
	s.router.Configure(s.record["mwan3"], "iptables")
	sections, _, err := uci.Load(uci.Layers{Files: []string{"/etc/config/mwan3"}})
	if err != nil {
		s.t.Fatal(err)
	}
	parsed, _ := config.Parse(sections)
	s.inUse = map[int]network.Family{}
	for _, iface := range parsed.Interfaces {
		if iface.Enabled {
			s.inUse[iface.ID] = iface.Family
			s.forgetful = s.forgetful || len(iface.FlushConntrack) > 0
		}
		if s.router.Device(iface.Name) != "" {
			s.ifaces = append(s.ifaces, iface.Name)
		}
	}
	return parsed.Globals.Mask
}

// act is a way into a state. Only carried: no new connections are looked at in it.
type act struct {
	name        string
	do          func(backend string)
	onlyCarried bool
}

// acts lists the ways into all states, in order.
func (s *stage) acts() []act {
	list := []act{
		{"after the start", s.start, false},
		{"wan disconnected", func(string) { s.router.Act("2-disconnected") }, false},
		{"wan connected again", func(string) { s.router.Act("3-connected") }, true},
		{"wan down", func(string) { s.router.Act("4-mwan3-ifdown") }, false},
		{"wan up again", func(string) { s.router.Act("5-mwan3-ifup") }, true},
	}
	if s.record["8a-mwan3-ifdown-wan6/ip6-rule"] != "" {
		list = append(list, act{"wan6 down", func(string) { s.router.Act("8a-mwan3-ifdown-wan6") }, false},
			act{"wan6 up again", func(string) { s.router.Act("8b-mwan3-ifup-wan6") }, true})
	}
	return append(list,
		act{"all disconnected", func(string) { s.verdicts("disconnected") }, false},
		act{"all connected", func(string) { s.verdicts("connected") }, true},
		act{"every rule with a policy of its own", s.startApart, false},
	)
}

// start loads the record's config and fills the set that other programs fill.
func (s *stage) start(backend string) {
	s.router.Configure(s.record["mwan3"], backend)
	s.router.Run("mwan3", "load")
	s.fillDynamic(backend)
}

// startApart loads a variant of the config in which it shows which rule a packet has met.
func (s *stage) startApart(backend string) {
	s.router.Configure(s.apart(), backend)
	s.router.Run("mwan3", "load")
}

// verdicts tells mwan3 the same verdict of all interfaces.
func (s *stage) verdicts(action string) {
	for _, iface := range s.ifaces {
		s.router.Hotplug(action, iface, s.router.Device(iface))
	}
}

// The dynamic networks, and the set with which iptables holds those of IPv4 (there they are a list of sets).
const (
	dynamic4, dynamic6, dynamicSet = "203.0.120.0/24", "2001:db8:120::/48", "alike"
)

func (s *stage) fillDynamic(backend string) {
	if backend == "nftables" {
		s.router.Run("nft", "add element inet mwan3 mwan3_dynamic_ipv4 { "+dynamic4+" }")
		s.router.Run("nft", "add element inet mwan3 mwan3_dynamic_ipv6 { "+dynamic6+" }")
		return
	}
	s.router.Run("ipset", "create", dynamicSet, "hash:net")
	s.router.Run("ipset", "add", dynamicSet, dynamic4)
	s.router.Run("ipset", "add", "mwan3_dynamic_ipv4", dynamicSet)
	s.router.Run("ipset", "add", "mwan3_dynamic_ipv6", dynamic6)
}

// play goes through all states with one backend. The reference, if any, says how often and what to probe.
func (s *stage) play(backend string, reference []state) []state {
	s.t.Helper()
	var states []state
	for i, act := range s.acts() {
		var like *state
		if reference != nil {
			like = &reference[i]
		}
		var before []sight
		if i > 0 {
			before = s.open(func(int) bool { return true })
		}
		act.do(backend)
		st := state{name: act.name, carried: s.follow(before), random: s.random(like)}
		if !act.onlyCarried {
			s.probe(&st, like)
			st.refused = s.refusals(len(states))
		}
		states = append(states, st)
	}
	s.router.Run("mwan3", "stop")
	s.forget()
	return states
}

// probe looks at new connections: at one of each probe, and at as many as show a random choice of those that may
// be chosen at random.
func (s *stage) probe(st, like *state) {
	s.t.Helper()
	firsts := s.open(func(int) bool { return true })
	st.journeys = s.follow(firsts)
	st.firsts = make([]map[sight]int, len(firsts))
	for i, first := range firsts {
		st.firsts[i] = map[sight]int{first: 1}
	}
	maybeRandom := func(i int) bool { return s.chooses(st.random, s.probes[i], firsts[i]) }
	for n := 1; n < tries(st.random); n++ {
		for i, first := range s.open(maybeRandom) {
			if maybeRandom(i) {
				st.firsts[i][first]++
			}
		}
	}
	if like == nil {
		st.chosen = s.choose(st)
	} else {
		st.chosen = like.chosen
	}
	st.spread = map[string]map[sight]int{}
	for name, at := range st.chosen {
		st.spread[name] = s.spread(s.probes[at], sample)
	}
}

// chooses tells whether a random policy may have made what was seen.
func (s *stage) chooses(random map[string]policy, p probe, seen sight) bool {
	for name, policy := range random {
		if isOf(name, p) && (policy[s.markOf(seen)] > 0 || s.markOf(seen) == unknown) {
			return true
		}
	}
	return false
}

// random lists the policies that choose at random now, from the text of iptables, or from the reference.
func (s *stage) random(like *state) map[string]policy {
	if like != nil {
		return like.random
	}
	all := map[string]policy{}
	for _, family := range []string{"", "6"} {
		for name, p := range randomPolicies(s.router.Part("ip" + family + "tables-mangle")) {
			all[name+" ipv"+cmp.Or(family, "4")] = p
		}
	}
	return all
}

// isOf tells whether a policy, named by random, concerns the family of a probe.
func isOf(name string, p probe) bool { return strings.HasSuffix(name, "6") == p.src.Is6() }

// choose finds a probe for each random policy: one that shows all its marks, and whose source port may be anything.
func (s *stage) choose(st *state) map[string]int {
	chosen := map[string]int{}
	for name, p := range st.random {
		for i, probe := range s.probes {
			marks := s.marks(st.firsts[i])
			if isOf(name, probe) && probe.anyPort && probe.preset == "" && len(marks) == len(p) && p.explains(marks, unlikely) {
				chosen[name] = i
				break
			}
		}
		if _, ok := chosen[name]; !ok {
			s.t.Errorf("%s: no probe meets %s", st.name, name)
		}
	}
	return chosen
}

// unknown stands for the mark of a packet that the router's kernel refused to send after it was marked.
const unknown = 0xffffffff

// markOf is the mark of a packet under the mask.
func (s *stage) markOf(seen sight) uint32 {
	if seen.mark == 0 {
		return unknown
	}
	return seen.mark & uint32(s.mask)
}

// marks sums up sights by the packet's mark.
func (s *stage) marks(sights map[sight]int) map[uint32]int {
	marks := map[uint32]int{}
	for sight, count := range sights {
		marks[s.markOf(sight)] += count
	}
	return marks
}
