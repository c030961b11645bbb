// Package words is the vocabulary of the lab's scripts (testscript files): what one can do to a router and its
// providers, and what one can see from the outside. A script tells one story, sitting at the router's console.
//
//	lab standalone|openwrt N        draw a lab of N uplinks; openwrt has busybox, ubus, netifd, procd, rc.common, hotplug-call,
//	                                and the project's files for OpenWrt
//	config FILE…                    write /etc/config/mwan3 from files of the script; the name uplinks stands for the
//	                                interface sections of all uplinks with quick tracking and their members wan_m1,
//	                                wan_m2, wan_m3 (metric 1, 2, 3); uplinks4, uplinks6 for those of one family
//	track IFACE METHOD TARGET[,TARGET…] [OPTION=VALUE…]
//	                                append an interface section with quick tracking, offline until a target answers
//	mwan3 ARG…                      run mwan3 on the router; [!] and stdout as with exec
//	on NODE CMD ARG…                run a program on another machine: client1 client2 guest internet ispN
//	ispN drop|heal                  the provider swallows everything without a word; and no more
//	ispN lose PERCENT               … or loses a part of it
//	ispN carrier-off|carrier-on     unplug the router's cable to it; plug it in
//	target ADDRESS[:PORT]… BEHAVIOUR
//	                                targets lie, fall silent or serve something (lab's behave.go lists how); honest ends it
//	name HOST [ADDRESS…]            give a host name its addresses, in the name server that the router asks; or none
//	link DEVICE down|up             set a device of the router administratively down; up and configured
//	netifd ifdown|ifup|ifupdate IFACE
//	                                what netifd does on ifdown, ifup and a change of an address
//	netifd readdress IFACE PREFIX   … with another address
//	netifd leave|boot               netifd is not there yet, and no uplink is configured; it starts and configures all
//	online IFACE…, offline IFACE…   wait until tracker and policies agree that it is so
//	via [-from NODE] [-p PROTO] TARGET ispN
//	                                wait until every new connection goes through that provider
//	unreachable|blackhole [-from NODE] [-p PROTO] TARGET
//	                                wait until every new connection is refused; or swallowed
//	spread [-n N] [-from NODE] [-p PROTO] TARGET ispN=PERCENT…
//	                                N (300) new connections share these providers within 4 sigma, and no others
//	inbound ispN router|client1     connections from the internet through that provider are answered, both families
//	flow start NAME [-from NODE] [-p PROTO] TARGET
//	                                begin a long transfer; udp: datagrams from one port
//	flow via NAME ispN              it was begun through that provider
//	flow resumed NAME IFACE ispN    within a second of the verdict on IFACE it went on, after a pause or another way before,
//	                                through that provider
//	flow alive|stalled|ended NAME   wait until it has moved on; has not for a second; has broken off
//	flow unbroken NAME              it runs, and never stood still for two seconds
//	timeline watch ispN TARGET IFACE
//	                                begin to watch that provider, which is going to fail, and new connections
//	timeline end                    … until now: a picture shows probes, the verdict on IFACE, the new marking, connections
//	await PATTERN CMD ARG…          run a program on the router until its output matches; with ! until it does not
//	snapshot FILE                   write down all rules, routes, firewall tables and sets, without counters
//
// Connections are TCP from client1 unless said otherwise. A TARGET is address:port, [address]:port. The waiting words
// give up after 20 seconds, or later where Options.Patience says so. exec runs on the router. The condition machine tells
// whether the router is a whole machine; nftables and iptables, which backend it has.
package words

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"e2e/lab"
)

// Deadline is how long the waiting words wait.
const Deadline = 20 * time.Second

// Options say how scripts run.
type Options struct {
	Backend  string // option backend of every config: nftables or iptables
	Bin      string // the directory of the programs under test; empty = they are installed
	Files    string // the directory of OpenWrt's files (openwrt/files); empty = none
	Draw     Draw   // draws the lab of a script
	Machine  bool   // the router is a whole machine
	Patience int    // all waiting takes so many times longer: for emulated routers; 0 means 1
}

// Draw draws a lab with a number of uplinks: its router is this process.
type Draw func(uplinks int) (World, *lab.Site, error)

// Here draws a whole lab around this process.
func Here(uplinks int) (World, *lab.Site, error) {
	drawn, err := lab.New(uplinks)
	if err != nil {
		return nil, nil, err
	}
	return drawn.World, drawn.Site, nil
}

// Traffic are the connections of some machines.
type Traffic interface {
	Ask(c lab.Connection) (answer string, err error)
	StartFlow(name string, c lab.Connection) (via string, err error)
	Progress(flow string) (lab.Progress, error)
}

// World is all but the router: lab.World, or that of another process (remote.World).
type World interface {
	Traffic
	Order(words ...string) error
	Watch(provider string, to netip.AddrPort) error
	Watched(events ...lab.Event) error
	Run(c lab.Command) (lab.Output, error)
}

// stage is the state of one script.
type stage struct {
	Options
	lab     *lab.Site // the router's side; nil before it is drawn
	world   World
	flows   map[string]flow
	marking *marking // nil while no provider is watched
}

// word is what testscript calls.
type word = func(ts *testscript.TestScript, neg bool, args []string)

// Params makes the vocabulary for one script, which must run Inside a lab's process.
func Params(file string, options Options) testscript.Params {
	s := &stage{Options: options, flows: map[string]flow{}}
	cmds := map[string]word{
		"lab": s.plain(s.draw), "link": s.inLab(s.link), "netifd": s.inLab(s.netifd),
		"config": s.inLab(s.config), "mwan3": s.mwan3, "on": s.on,
		"online": s.inLab(s.online), "offline": s.inLab(s.offline),
		"via": s.inLab(s.via), "spread": s.inLab(s.spread), "inbound": s.inLab(s.inbound),
		"unreachable": s.inLab(s.unreachable), "blackhole": s.inLab(s.blackhole),
		"flow": s.inLab(s.flowWord), "await": s.awaitOutput, "snapshot": s.inLab(s.snapshot),
		"track": s.inLab(s.track), "timeline": s.inLab(s.timeline), "target": s.inLab(s.target), "name": s.inLab(s.name),
	}
	for number := 1; number <= lab.MaxUplinks; number++ {
		name := fmt.Sprintf("isp%d", number)
		cmds[name] = s.inLab(func(ts *testscript.TestScript, args []string) error { return s.isp(number, args) })
	}
	return testscript.Params{
		Files: []string{file},
		Cmds:  cmds,
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "nftables", "iptables":
				return cond == s.Backend, nil
			case "machine":
				return s.Machine, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", os.Getenv("PATH"))
			env.Defer(removeCgroups)
			return setCache(env)
		},
		RequireUniqueNames: true,
	}
}

// plain makes a word of a function; such a word cannot be negated.
func (s *stage) plain(do func(ts *testscript.TestScript, args []string) error) word {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this word cannot be negated")
		}
		ts.Check(do(ts, args))
	}
}

// inLab makes a word that needs a drawn lab.
func (s *stage) inLab(do func(ts *testscript.TestScript, args []string) error) word {
	return s.plain(func(ts *testscript.TestScript, args []string) error {
		if s.lab == nil {
			return fmt.Errorf("there is no lab yet; begin with: lab standalone 3")
		}
		return do(ts, args)
	})
}

// eventually repeats try until it succeeds, or until the deadline, and returns its last error.
func (s *stage) eventually(try func() error) error {
	for end := time.Now().Add(s.patient(Deadline)); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// patient is a time to wait on this router.
func (s *stage) patient(d time.Duration) time.Duration { return d * time.Duration(max(s.Patience, 1)) }

// usage complains about arguments.
func usage(text string) error { return fmt.Errorf("usage: %s", text) }
