package lab_test

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"e2e/lab"
	"e2e/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

const patience = 400 * time.Millisecond

// targets are one target of each family.
var targets = []netip.AddrPort{
	netip.MustParseAddrPort("198.51.100.10:443"),
	netip.MustParseAddrPort("[2001:db8:51::10]:443"),
}

// draw draws a lab, or ends the test.
func draw(t *testing.T, uplinks int) *lab.Lab {
	t.Helper()
	l, err := lab.New(uplinks)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// check ends the test on an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ways asks every target from the node and returns what it finds: an answer, or the error's text.
func ways(n *lab.Node, network string) [2]string {
	var found [2]string
	for i, target := range targets {
		answer, err := n.Ask(network, target, patience)
		if err != nil {
			answer = err.Error()
		}
		found[i] = answer
	}
	return found
}

// expect waits until client1 gets the answer from both targets over TCP.
func expect(t *testing.T, l *lab.Lab, when string, answer string) {
	t.Helper()
	expectOf(t, l.Client1, "tcp", when, answer)
}

// expectOf waits until a node gets the answer from both targets: the kernel takes its time with carriers and neighbours.
func expectOf(t *testing.T, n *lab.Node, network, when, answer string) {
	t.Helper()
	want := [2]string{answer, answer}
	got := ways(n, network)
	for deadline := time.Now().Add(20 * time.Second); got != want && time.Now().Before(deadline); {
		got = ways(n, network)
	}
	if got != want {
		t.Errorf("%s: %s over %s gets %q, want %q", when, n.Name, network, got, want)
	}
}

func TestWithoutMwan3EverythingGoesThroughTheFirstUplink(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 3)
		for _, node := range []*lab.Node{l.Router, l.Client1, l.Client2, l.Guest} {
			for _, network := range []string{"tcp", "udp"} {
				expectOf(t, node, network, "without mwan3", "isp1")
			}
		}
	})
}

func TestFaultsBreakTheUplinkAndHealingMendsIt(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 2)
		isp := l.ISPs[0]
		check(t, isp.Drop())
		expect(t, l, "while isp1 drops", "silence")
		if _, err := l.Router.Run("", "ping", "-c1", "-W1", "10.1.1.1"); err != nil {
			t.Error("the gateway of a provider that drops should still answer:", err)
		}
		check(t, isp.Heal())
		expect(t, l, "when isp1 is healed", "isp1")
		check(t, isp.CarrierOff())
		if carrier(t, l, "wan0") {
			t.Error("wan0 has a carrier while its peer is down")
		}
		check(t, isp.CarrierOn())
		expect(t, l, "when the carrier is back", "isp1")
		check(t, l.Netifd.Link("wan0", false))
		expect(t, l, "while wan0 is down", "isp2")
		check(t, l.Netifd.Link("wan0", true))
		expect(t, l, "when wan0 is up again", "isp1")
	})
}

// carrier tells whether a device of the router has its carrier.
func carrier(t *testing.T, l *lab.Lab, device string) bool {
	t.Helper()
	out, err := l.Router.Run("", "ip", "link", "show", device)
	check(t, err)
	return !strings.Contains(out, "NO-CARRIER")
}

func TestAnInterfaceThatGoesDownLeavesTheOtherFamilyAlone(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 2)
		check(t, l.Netifd.Ifdown("wan"))
		if got, want := ways(l.Client1, "tcp"), [2]string{"isp2", "isp1"}; got != want {
			t.Errorf("without wan client1 gets %q, want %q", got, want)
		}
		check(t, l.Netifd.Ifdown("wan6"))
		expect(t, l, "without wan and wan6", "isp2")
		check(t, l.Netifd.Ifup("wan"))
		check(t, l.Netifd.Ifup("wan6"))
		expect(t, l, "with both again", "isp1")
	})
}

func TestProvidersLoseTheShareOfPacketsThatTheyAreToldTo(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		check(t, l.ISPs[0].Lose(50))
		lost := 0
		for range 60 {
			if _, err := l.Client1.Ask("udp", targets[0], 30*time.Millisecond); errors.Is(err, lab.ErrSilence) {
				lost++
			}
		}
		// Three of four exchanges lose a packet on one of the two ways: 45 of 60, and 30 is 4.5 sigma away.
		if lost < 30 || lost == 60 {
			t.Errorf("%d of 60 exchanges got no answer, want about 45", lost)
		}
	})
}

func TestAProviderLetsNobodyOutWithAForeignAddress(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 2)
		_, err := l.Router.Run("", "nft", "delete", "table", "inet", "fw4")
		check(t, err)
		expect(t, l, "without masquerading", "silence")
	})
}

func TestInboundConnectionsReachTheRouterAndTheForwardedPort(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		for to, want := range map[string]string{
			"10.1.1.2:7": "router", "10.1.1.2:8007": "client1",
			"[fd00:1:1::2]:7": "router", "[fd00:1:1::2]:8007": "client1",
		} {
			got, err := l.Internet.Ask("tcp", netip.MustParseAddrPort(to), patience)
			if err != nil || got != want {
				t.Errorf("%s answers %q, %v; want %q", to, got, err, want)
			}
		}
	})
}

func TestAFlowSurvivesAShortCutAndTellsHowLongItWas(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, 1)
		flow, err := l.Client1.StartFlow(targets[0], patience)
		check(t, err)
		defer flow.Stop()
		awaitProgress(t, flow)
		check(t, l.ISPs[0].Drop())
		stalled := flow.Progress()
		check(t, l.ISPs[0].Heal())
		awaitProgress(t, flow)
		if got := flow.Progress(); flow.Via != "isp1" || got.Ended != "" || got.Longest < stalled.Longest {
			t.Errorf("flow via %s: %+v after %+v", flow.Via, got, stalled)
		}
	})
}

// awaitProgress waits until ten more messages have come back.
func awaitProgress(t *testing.T, flow *lab.Flow) {
	t.Helper()
	start := flow.Progress().Messages
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if flow.Progress().Messages >= start+10 {
			return
		}
	}
	t.Fatalf("the flow stands still: %+v", flow.Progress())
}

func TestTheRoutersFilesAreItsOwn(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		for _, dir := range []string{"/etc/config", "/var/run", "/var/state", "/var/lock", "/tmp/.uci", "/etc/hotplug.d/iface", "/usr/sbin"} {
			check(t, os.MkdirAll(dir, 0o755))
			check(t, os.WriteFile(dir+"/lab-file-of-a-test", nil, 0o600))
		}
	})
	for _, dir := range []string{"/etc/config", "/var/run", "/var/state", "/var/lock", "/tmp/.uci", "/etc/hotplug.d/iface", "/usr/sbin"} {
		if _, err := os.Stat(dir + "/lab-file-of-a-test"); err == nil && !lab.Inside() {
			t.Errorf("a file that the lab made in %s is seen outside", dir)
		}
	}
}

func TestSixtyUplinksFitIntoOneLab(t *testing.T) {
	t.Parallel()
	labtest.In(t, func(t *testing.T) {
		l := draw(t, lab.MaxUplinks)
		expect(t, l, "with 60 uplinks", "isp1")
		for _, iface := range l.Netifd.Interfaces[:2*(lab.MaxUplinks-1)] {
			check(t, l.Netifd.Ifdown(iface.Name))
		}
		expect(t, l, "with only the last of them", "isp60")
	})
}
