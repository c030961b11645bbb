package crash

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"e2e/lab"
	"e2e/lab/labtest"
)

// standstill is how long new connections and running transfers may take to get anywhere. Without a marking it may be
// longer: masquerading drops a connection whose first packets leave by different devices.
const (
	standstill = time.Second
	unmarked   = 3 * time.Second
)

// targets are the destinations of all traffic, without port.
func targets() []netip.Addr {
	return []netip.Addr{netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("2001:db8:51::10")}
}

// providers says through whom a policy's connections may go while mwan3 runs, whether or not wan is up.
func providers() map[uint16][]string {
	return map[uint16][]string{
		balancedPort: {"isp1", "isp2", "isp3"},
		failoverPort: {"isp1", "isp2"},
		singlePort:   {"isp2"},
	}
}

// traffic makes a new connection for each policy and family at once; each must get through, and where there is a marking
// as its policy says.
func (b *bench) traffic(what string, marked bool) {
	b.t.Helper()
	var all sync.WaitGroup
	for port, right := range providers() {
		limit := standstill
		if !marked {
			right, limit = []string{"isp1", "isp2", "isp3"}, unmarked
		}
		for _, target := range targets() {
			all.Go(func() {
				if err := b.connect(netip.AddrPortFrom(target, port), right, limit); err != nil {
					b.t.Errorf("%s: %v", what, err)
				}
			})
		}
	}
	all.Wait()
}

// connect tries until a new connection gets through as it should. A try has the time for no more than its first packet.
func (b *bench) connect(to netip.AddrPort, right []string, limit time.Duration) error {
	begin, wrong := time.Now(), ""
	for time.Since(begin) < limit {
		answer, err := b.lab.Client1.Ask("tcp", to, standstill/2)
		if err == nil && slices.Contains(right, answer) {
			b.figures.connected(time.Since(begin), wrong)
			return nil
		}
		wrong = fmt.Sprintf("%s answers %q, %v", to, answer, err)
	}
	return fmt.Errorf("no connection for %s: %s", limit, wrong)
}

// transfers begins a long transfer through wanb in each family.
func (b *bench) transfers() []*lab.Flow {
	b.t.Helper()
	var flows []*lab.Flow
	for _, target := range targets() {
		flow, err := b.lab.Client1.StartFlow(netip.AddrPortFrom(target, singlePort), patience)
		labtest.Check(b.t, err)
		b.t.Cleanup(flow.Stop)
		if flow.Via != "isp2" {
			b.t.Fatalf("a transfer goes through %s", flow.Via)
		}
		flows = append(flows, flow)
	}
	return flows
}

// unbroken checks that transfers still run and never stood still.
func (b *bench) unbroken(flows []*lab.Flow) {
	b.t.Helper()
	for i, flow := range flows {
		p := flow.Progress()
		b.t.Logf("transfer to %s: %d messages, longest pause %s", targets()[i], p.Messages, p.Longest.Round(time.Millisecond))
		if p.Ended != "" || p.Longest >= standstill {
			b.t.Errorf("the transfer to %s was interrupted: %+v", targets()[i], p)
		}
	}
}
