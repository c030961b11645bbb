package iptables

import (
	"bytes"
	"net/netip"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mwan3/config"
	"mwan3/emulation"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/plan"
)

// variants are the two kinds of iptables, by what follows the tools' names.
var variants = []string{"-nft", "-legacy"}

// inNamespace runs the rest of the test on a thread with a network namespace of its own, which goes with the thread.
func inNamespace(t testing.TB) {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal("make a network namespace: ", err)
	}
}

// forVariants runs a test with each kind of iptables, in a new namespace.
func forVariants(t *testing.T, test func(t *testing.T, b *Backend, variant string)) {
	for _, variant := range variants {
		t.Run(strings.TrimPrefix(variant, "-"), func(t *testing.T) {
			t.Parallel()
			inNamespace(t)
			test(t, backend(t, variant), variant)
		})
	}
}

func backend(t testing.TB, variant string) *Backend {
	t.Helper()
	b, err := find(variant)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.tools) != 2 {
		t.Fatalf("found the tools of %d families, want 2", len(b.tools))
	}
	return b
}

func run(t testing.TB, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// tables returns what iptables -S says in both families.
func tables(t testing.TB, variant string) string {
	t.Helper()
	return run(t, "", "iptables"+variant, "-w", "-t", "mangle", "-S") + run(t, "", "ip6tables"+variant, "-w", "-t", "mangle", "-S")
}

func mustLoad(t testing.TB, b *Backend, p testPlan) {
	t.Helper()
	notes, err := b.Load(p.marking, p.sets)
	if err != nil {
		t.Fatalf("load %s: %v", p.name, err)
	}
	if len(notes) > 0 {
		t.Fatalf("load %s: notes %q, want none", p.name, notes)
	}
}

// setNames returns the names of the kernel's sets, sorted.
func setNames(t testing.TB) []string {
	t.Helper()
	have, err := ipset.List()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for name := range have {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// members returns a set's members as text, sorted.
func members(t testing.TB, name string) []string {
	t.Helper()
	set, ok, err := ipset.Read(name)
	if err != nil || !ok {
		t.Fatalf("read set %s: %v, %v", name, ok, err)
	}
	list := []string{}
	for _, p := range set.Members {
		list = append(list, memberString(p))
	}
	slices.Sort(list)
	return list
}

func prefixes(list ...string) []netip.Prefix {
	var parsed []netip.Prefix
	for _, text := range list {
		parsed = append(parsed, netip.MustParsePrefix(text))
	}
	return parsed
}

func addresses(list ...string) config.Addresses { return config.Addresses{Prefixes: prefixes(list...)} }

// testPlan is a marking and its sets.
type testPlan struct {
	name    string
	marking plan.Marking
	sets    []plan.Set
}

const mask = config.DefaultMask

func mark(name string, id int) plan.Mark { return plan.Mark{Interface: name, Value: mask.Mark(id)} }

func inbound(name string, id int, device string) plan.Inbound {
	return plan.Inbound{Mark: mark(name, id), Device: device}
}

func share(name string, id, weight int) plan.Share {
	return plan.Share{Mark: mark(name, id), Weight: weight}
}

func sticky(timeout time.Duration, members ...plan.StickyMember) *plan.Sticky {
	return &plan.Sticky{Timeout: timeout, Members: members}
}

func usable(name string, id int) plan.StickyMember {
	return plan.StickyMember{Mark: mark(name, id), Usable: true}
}

func unusable(name string, id int) plan.StickyMember {
	return plan.StickyMember{Mark: mark(name, id)}
}

// ipv4 is a marking of IPv4 with two uplinks.
func ipv4(policies []plan.Policy, rules []plan.Rule) plan.FamilyMarking {
	return plan.FamilyMarking{
		Family:   network.IPv4,
		Marks:    []plan.Mark{mark("wan", 1), mark("wanb", 3)},
		Inbound:  []plan.Inbound{inbound("wan", 1, "wan0"), inbound("wanb", 3, "wan1")},
		Policies: policies, Rules: rules,
	}
}

// ipv6 is a marking of IPv6 with two uplinks.
func ipv6(policies []plan.Policy, rules []plan.Rule) plan.FamilyMarking {
	return plan.FamilyMarking{
		Family:   network.IPv6,
		Marks:    []plan.Mark{mark("wan6", 2), mark("wanb6", 4)},
		Inbound:  []plan.Inbound{inbound("wan6", 2, "wan0"), inbound("wanb6", 4, "wan1")},
		Policies: policies, Rules: rules,
	}
}

func marking(families ...plan.FamilyMarking) plan.Marking {
	return plan.Marking{Mask: mask, LogLevel: "notice", Families: families}
}

func balanced(shares ...plan.Share) []plan.Policy {
	return []plan.Policy{{Name: "balanced", Shares: shares, LastResort: config.Unreachable}}
}
