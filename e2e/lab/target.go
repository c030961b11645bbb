package lab

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Targets are the targets of a lab that do not behave like all the others. A target of the internet
//
//	answers by packets   its address is routed to the TUN device liar0, behind which the lab itself is the target
//	serves TCP           its port is redirected to a server of its own
//
// and one on a provider's own network, such as 10.1.1.7, answers ARP there.
type Targets struct {
	world   *World
	steered bool                // the firewall asks the odd targets' rules first
	tun     *os.File            // nil before it is needed
	routed  map[netip.Addr]bool // to it

	mu    sync.Mutex
	odd   map[netip.AddrPort]*target // port 0: all ports
	names map[string][]netip.Addr    // what name servers know
}

// target is one that behaves oddly.
type target struct {
	behaviour
	port int    // of its server
	stop func() // ends what serves it; may be nil
}

// newTargets prepares a world for odd targets. All behave as usual yet.
func newTargets(w *World) *Targets {
	return &Targets{world: w, routed: map[netip.Addr]bool{}, odd: map[netip.AddrPort]*target{}, names: map[string][]netip.Addr{}}
}

// Behave makes a target behave in the way that has this name, or again as usual (honest). Port 0 means all ports. From
// one way to the next the target does not become honest in between.
func (t *Targets) Behave(addr netip.AddrPort, name string) error {
	known := t.behaviours()
	how, ok := known[name]
	if !ok && name != "honest" {
		return fmt.Errorf("%q is not among what targets do: honest, %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	odd, err := t.prepare(addr.Addr(), how)
	if err != nil {
		return fmt.Errorf("make %s %s: %w", addr, name, err)
	}
	old := t.exchange(addr, odd)
	if err := t.lead(addr.Addr()); err != nil {
		return fmt.Errorf("make %s %s: %w", addr, name, err)
	}
	if old != nil && old.stop != nil {
		old.stop()
	}
	return nil
}

// prepare starts what a target needs; nil for an honest one.
func (t *Targets) prepare(addr netip.Addr, how behaviour) (*target, error) {
	switch {
	case how.arp != nil:
		return t.serveARP(addr, how)
	case how.stream != nil:
		return t.serveStream(how)
	case how.answer != nil:
		return &target{behaviour: how}, t.openLiar()
	}
	return nil, nil
}

// exchange puts a target in the place of another one and returns that.
func (t *Targets) exchange(addr netip.AddrPort, odd *target) *target {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.odd[addr]
	if t.odd[addr] = odd; odd == nil {
		delete(t.odd, addr)
	}
	return old
}

// lead leads packets for an address where its targets want them.
func (t *Targets) lead(addr netip.Addr) error {
	wanted := slices.ContainsFunc(t.ordered(), func(of netip.AddrPort) bool { return of.Addr() == addr && t.odd[of].answer != nil })
	if wanted == t.routed[addr] {
		return t.steer()
	}
	t.routed[addr] = wanted
	if wanted {
		return errors.Join(t.route("replace", addr), t.steer())
	}
	return errors.Join(t.steer(), t.route("del", addr))
}

func (t *Targets) route(verb string, addr netip.Addr) error {
	_, err := t.world.Internet.Run("", "ip", "route", verb, "table", "local", addr.String(), "dev", "liar0")
	return err
}

// steer tells the firewall of the internet which ports of the odd targets lead where, instead of to the service that
// answers for all others.
func (t *Targets) steer() error {
	rules := "table inet targets {\n\tchain odd {\n\t}\n}\nflush chain inet targets odd\n"
	for _, addr := range t.ordered() {
		if rule := t.odd[addr].rule(addr); rule != "" {
			rules += "add rule inet targets odd " + rule + "\n"
		}
	}
	if !t.steered {
		rules += "insert rule inet targets in jump odd\n"
	}
	_, err := t.world.Internet.Run(rules, "nft", "-f", "-")
	t.steered = t.steered || err == nil
	return err
}

// ordered returns the odd targets, single ports before all ports. The caller holds mu, or is the only one who changes
// them.
func (t *Targets) ordered() []netip.AddrPort {
	return slices.SortedFunc(maps.Keys(t.odd), func(a, b netip.AddrPort) int {
		return cmp.Or(cmp.Compare(b.Port(), a.Port()), a.Compare(b))
	})
}

// rule keeps packets for a target from the service that answers for all others.
func (t *target) rule(addr netip.AddrPort) string {
	family, port := "ip", ""
	if addr.Addr().Is6() {
		family = "ip6"
	}
	if addr.Port() != 0 {
		port = fmt.Sprintf(" th dport %d", addr.Port())
	}
	match := fmt.Sprintf("%s daddr %s meta l4proto ", family, addr.Addr())
	switch {
	case t.stream != nil:
		return match + "tcp" + port + fmt.Sprintf(" redirect to :%d", t.port)
	case t.answer != nil && !t.onlyICMP:
		return match + "{ tcp, udp }" + port + " accept"
	}
	return ""
}

// openLiar makes the device liar0, once, and answers what comes there.
func (t *Targets) openLiar() error {
	if t.tun != nil {
		return nil
	}
	if err := t.world.Internet.Do(t.openTUN); err != nil {
		return fmt.Errorf("make device liar0: %w", err)
	}
	if err := t.world.Internet.Up("liar0"); err != nil {
		return err
	}
	go t.answerPackets()
	return nil
}

// openTUN makes the device liar0 in the calling thread's namespace.
func (t *Targets) openTUN() error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	request, err := unix.NewIfreq("liar0")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return errors.Join(err, unix.Close(fd))
	}
	t.tun = os.NewFile(uintptr(fd), "liar0")
	return nil
}

// answerPackets answers for all odd targets as long as the lab lives.
func (t *Targets) answerPackets() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := t.tun.Read(buffer)
		if err != nil {
			return
		}
		request, ok := parsePacket(slices.Clone(buffer[:n]))
		if !ok {
			continue
		}
		for _, answer := range t.answers(request) {
			_, _ = t.tun.Write(answer.encode()) // lost answers are silence
		}
	}
}

// answers asks the target that a packet was sent to.
func (t *Targets) answers(request packet) []packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, addr := range t.ordered() {
		meant := addr.Port() == 0 || addr.Port() == request.port()
		if odd := t.odd[addr]; addr.Addr() == request.to && meant && odd.answer != nil {
			return odd.answer(request)
		}
	}
	return nil
}

// serveStream starts a TCP server for a target.
func (t *Targets) serveStream(how behaviour) (*target, error) {
	var listener *net.TCPListener
	err := t.world.Internet.Do(func() (err error) {
		listener, err = net.ListenTCP("tcp", nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go serveOne(conn, how.stream)
			}
		}
	}()
	port := listener.Addr().(*net.TCPAddr).Port
	return &target{behaviour: how, port: port, stop: func() { _ = listener.Close() }}, nil
}
