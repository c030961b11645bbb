package iptables

import (
	"context"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/config"
	"mwan3/plan"
)

// forLabs runs a test in a lab, with each kind of iptables.
func forLabs(t *testing.T, test func(t *testing.T, l *lab, b *Backend, variant string)) {
	for _, variant := range variants {
		t.Run(strings.TrimPrefix(variant, "-"), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			test(t, l, backend(t, variant), variant)
		})
	}
}

// all sends everything to the policy balanced.
func all() []plan.Rule { return []plan.Rule{{Name: "all", Policy: "balanced"}} }

// labNetworks are the networks that main routes in the lab.
func labNetworks() []plan.Set {
	return []plan.Set{
		{Kind: plan.Connected, Prefixes: prefixes("10.1.0.0/24", "10.1.1.0/24", "127.0.0.0/8", "192.168.1.0/24")},
		{Kind: plan.Connected, Family: 1, Prefixes: prefixes("2001:db8:1::/64", "2001:db8:2::/64", "fd00::/64", "fe80::/64")},
	}
}

const flows = 2000

// within tells whether a count of binomial trials is within five standard deviations of its mean.
func within(count, trials int, p float64) bool {
	mean := float64(trials) * p
	return math.Abs(float64(count)-mean) <= 5*math.Sqrt(mean*(1-p))
}

func TestConnectionsAreSharedByWeightAndKeepTheirUplink(t *testing.T) {
	sources := map[string]string{"ipv4": "192.168.1.2:%d", "ipv6": "[fd00::2]:%d"}
	forLabs(t, func(t *testing.T, l *lab, b *Backend, _ string) {
		mustLoad(t, b, testPlan{name: "lab", sets: labNetworks(), marking: marking(
			ipv4(balanced(share("wan", 1, 3), share("wanb", 3, 1)), all()),
			ipv6(balanced(share("wan6", 2, 3), share("wanb6", 4, 1)), all()))})
		for family, source := range sources {
			second := 0
			for i := range flows {
				name := fmt.Sprintf("%s %d ", family, i)
				devices := l.send(t, l.client, fmt.Sprintf(source, 10000+i), name+"first", name+"later")
				if devices[0] != devices[1] {
					t.Errorf("connection %s moved from %s to %s", name, devices[0], devices[1])
				}
				if devices[0] == "isp1" {
					second++
				}
			}
			if !within(second, flows, 0.25) {
				t.Errorf("%s: %d of %d connections took the uplink of weight 1 of 4", family, second, flows)
			}
		}
	})
}

func TestTheRoutersOwnConnectionsFollowThePolicy(t *testing.T) {
	forLabs(t, func(t *testing.T, l *lab, b *Backend, _ string) {
		mustLoad(t, b, testPlan{name: "lab", sets: labNetworks(), marking: marking(
			ipv4(balanced(share("wanb", 3, 1)), all()), ipv6(balanced(share("wanb6", 4, 1)), all()))})
		got := append(l.send(t, nil, "", "four"), l.send(t, nil, "[2001:db8:1::2]:20000", "six")...)
		if diff := cmp.Diff([]string{"isp1", "isp1"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestStickySourcesKeepTheirUplinkUntilItFails(t *testing.T) {
	rules := func(wan, wanb bool) []plan.Rule {
		return []plan.Rule{{Name: "all", Policy: "balanced", Sticky: sticky(10*time.Minute,
			plan.StickyMember{Mark: mark("wanb", 3), Usable: wanb}, plan.StickyMember{Mark: mark("wan", 1), Usable: wan})}}
	}
	wan, wanb := share("wan", 1, 1), share("wanb", 3, 1)
	forLabs(t, func(t *testing.T, l *lab, b *Backend, _ string) {
		both := marking(ipv4(balanced(wan, wanb), rules(true, true)))
		mustLoad(t, b, testPlan{name: "both", sets: labNetworks(), marking: both})
		port := 20000
		round := func(name string) map[string]int {
			uplinks := map[string]int{}
			for host := 2; host < 42; host++ {
				device := ""
				for range 3 {
					port++
					source := fmt.Sprintf("192.168.1.%d:%d", host, port)
					came := l.send(t, l.client, source, fmt.Sprintf("%s %s", name, source))[0]
					if device != "" && came != device {
						t.Errorf("%s: host %d moved from %s to %s", name, host, device, came)
					}
					device = came
				}
				uplinks[device]++
			}
			return uplinks
		}
		first := round("both online")
		if len(first) != 2 {
			t.Errorf("all hosts stick to one uplink: %v", first)
		}
		if diff := cmp.Diff(first, round("again")); diff != "" {
			t.Errorf("the hosts moved (-before +after):\n%s", diff)
		}
		only := marking(ipv4(balanced(wan), rules(true, false)))
		if err := b.LoadPolicies(only, []string{"balanced"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"isp0": 40}, round("wanb offline")); diff != "" {
			t.Errorf("wanb offline (-want +got):\n%s", diff)
		}
		if err := b.LoadPolicies(both, []string{"balanced"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"isp0": 40}, round("wanb online again")); diff != "" {
			t.Errorf("the hosts did not stay where they had moved (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{}, members(t, "mwan3_rule4_3_all")); diff != "" {
			t.Errorf("sources of wanb (-want +got):\n%s", diff)
		}
		none := marking(ipv4([]plan.Policy{{Name: "balanced", LastResort: config.Default}}, rules(false, false)))
		if err := b.LoadPolicies(none, []string{"balanced"}); err != nil {
			t.Fatal(err)
		}
		before := members(t, "mwan3_rule4_1_all")
		round("no uplink")
		if diff := cmp.Diff(before, members(t, "mwan3_rule4_1_all")); diff != "" || len(before) != 40 {
			t.Errorf("%d sources of wan before nothing was usable (-before +after):\n%s", len(before), diff)
		}
	})
}

func TestMarkBitsOfOthersSurvive(t *testing.T) {
	forLabs(t, func(t *testing.T, l *lab, b *Backend, variant string) {
		run(t, `*mangle
-A PREROUTING -i lan0 -j MARK --set-xmark 0x10000/0x10000
-A PREROUTING -i lan0 -j CONNMARK --set-xmark 0x20000/0x20000
-A POSTROUTING -m mark --mark 0x10300 -m connmark --mark 0x20300
COMMIT
`, "iptables"+variant+"-restore", "--noflush")
		mustLoad(t, b, testPlan{name: "lab", sets: labNetworks(), marking: marking(ipv4(balanced(share("wanb", 3, 1)), all()))})
		l.send(t, l.client, "192.168.1.2:20000", "one", "two", "three")
		counted := strings.Fields(run(t, "", "iptables"+variant, "-t", "mangle", "-L", "POSTROUTING", "-v", "-x", "-n"))
		headers := "Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes) pkts bytes target prot opt in out source destination"
		if got := counted[len(strings.Fields(headers))]; got != "3" {
			t.Errorf("%s packets left with the foreign bits and the mark of wanb, want 3", got)
		}
	})
}

func TestWhatComesInThroughAnUplinkIsAnsweredThroughIt(t *testing.T) {
	forLabs(t, func(t *testing.T, l *lab, b *Backend, _ string) {
		mustLoad(t, b, testPlan{name: "lab", sets: labNetworks(), marking: marking(ipv4(balanced(share("wan", 1, 1)), all()))})
		server, err := net.ListenPacket("udp4", "10.1.1.2:7000")
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		answer := make(chan error, 1)
		l.isp.do(func() {
			config := net.ListenConfig{Control: bindTo("isp1")}
			conn, err := config.ListenPacket(context.Background(), "udp4", "203.0.113.5:7001")
			if err != nil {
				answer <- err
				return
			}
			go func() { answer <- ask(conn, "10.1.1.2:7000") }()
		})
		buffer := make([]byte, 10)
		_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, from, err := server.ReadFrom(buffer)
		if err != nil {
			t.Fatal("question: ", err)
		}
		if _, err := server.WriteTo([]byte("answer"), from); err != nil {
			t.Fatal(err)
		}
		if err := <-answer; err != nil {
			t.Fatal("answer: ", err)
		}
	})
}

// ask sends a question and waits for the answer.
func ask(conn net.PacketConn, server string) error {
	defer conn.Close()
	addr, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo([]byte("question"), addr); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _, err = conn.ReadFrom(make([]byte, 10))
	return err
}
