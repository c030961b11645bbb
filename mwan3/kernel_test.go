package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/emulation"
	"mwan3/firewall"
	"mwan3/iproute"
	"mwan3/plan"
)

// TestEveryPlanIsReachedFromEveryOther applies the stories of testdata/print to a real kernel, one after the other, so
// that each follows each: what the kernel has then must be what it has when the story is applied to an empty router.
func TestEveryPlanIsReachedFromEveryOther(t *testing.T) {
	for _, backend := range []config.Backend{config.NFTables, config.IPTables} {
		t.Run(string(backend), func(t *testing.T) {
			t.Parallel()
			walkAllPairs(t, backend)
		})
	}
}

// story is a plan's inputs and what the kernel has of it when it came first.
type story struct {
	name  string
	in    plan.Inputs
	alone string
}

func walkAllPairs(t *testing.T, backend config.Backend) {
	files, err := filepath.Glob("testdata/print/*.txtar")
	if err != nil || len(files) < 2 {
		t.Fatal("too few stories", err)
	}
	var stories []*story
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := &story{name: filepath.Base(file), in: inputsOf(t, archive)}
		s.in.Network.OpenSets = backend == config.NFTables
		stories = append(stories, s)
	}
	for _, s := range stories {
		in := newKernel(t, backend)
		in.apply(s)
		s.alone = in.snapshot()
	}
	k := newKernel(t, backend)
	before := "nothing"
	for _, next := range allPairs(len(stories)) {
		k.apply(stories[next])
		if diff := cmp.Diff(stories[next].alone, k.snapshot()); diff != "" {
			t.Fatalf("%s after %s (-alone +after):\n%s", stories[next].name, before, diff)
		}
		before = stories[next].name
	}
	if err := k.remove(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newKernel(t, backend).snapshot(), k.snapshot()); diff != "" {
		t.Errorf("left behind:\n%s", diff)
	}
}

// allPairs is a walk through 0…n-1 in which every number follows every number, itself too.
func allPairs(n int) []int {
	walk := []int{0}
	for a := range n {
		walk = append(walk, a)
		for b := a + 1; b < n; b++ {
			walk = append(walk, b, a)
		}
		walk = append(walk, (a+1)%n)
	}
	return walk
}

// kernel is a router without anything but devices and addresses, in a namespace of its own.
type kernel struct {
	t *testing.T
	apply.Kernel
}

// newKernel moves the calling goroutine into a new namespace, for good.
func newKernel(t *testing.T, backend config.Backend) *kernel {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // never unlocked: the thread, and the namespace with it, ends with the goroutine
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Fatalf("make a network namespace (tests need root): %v", err)
	}
	k := &kernel{t: t}
	k.run("ip", "link", "set", "lo", "up")
	for device, addrs := range map[string][]string{
		"eth1":   {"10.0.1.2/24", "2001:db8:1::2/64", "fe80::12/64"},
		"eth2":   {"10.0.2.2/24"},
		"eth3":   {"10.0.3.2/24"},
		"tun0":   {"10.8.0.2/24"},
		"br-lan": {"192.168.1.1/24", "fd00::1/64"},
	} {
		k.run("ip", "link", "add", device, "type", "bridge")
		k.run("ip", "link", "set", device, "up", "addrgenmode", "none")
		for _, addr := range addrs {
			k.run("ip", "addr", "add", addr, "dev", device, "nodad")
		}
	}
	routing, err := iproute.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(routing.Close)
	marker, _, err := firewall.Choose(backend, "")
	if err != nil {
		t.Fatal(err)
	}
	k.Kernel = apply.Kernel{Routing: routing, Marker: marker}
	return k
}

func (k *kernel) run(args ...string) string {
	k.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		k.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// look replaces a story's kernel by the real one.
func (k *kernel) look(in plan.Inputs) plan.Inputs {
	k.t.Helper()
	var err error
	if in.Network.Routes, err = k.Routing.Routes(); err == nil {
		in.Network.Rules, err = k.Routing.Rules()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return in
}

func (k *kernel) apply(s *story) {
	k.t.Helper()
	notes, err := k.Plan(plan.Make(s.in), k.look(s.in))
	if err != nil || len(notes) > 0 {
		k.t.Fatalf("%s: %v %q", s.name, err, notes)
	}
}

func (k *kernel) remove() error { return k.Remove(k.look(plan.Inputs{})) }

var (
	counted  = regexp.MustCompile(`counter packets \d+ bytes \d+|\[\d+:\d+\]`)
	volatile = regexp.MustCompile(`bucketsize \d+ initval \S+|hashsize \d+`)
)

// snapshot prints everything that a plan can touch, without counters and hash seeds. Sets of the user's stay for ever,
// so they do not count.
func (k *kernel) snapshot() string {
	k.t.Helper()
	var lines []string
	for _, command := range []string{"ip -4 rule", "ip -6 rule", "ip -4 route show table all", "ip -6 route show table all",
		"iptables-save -t mangle", "ip6tables-save -t mangle", "ipset save"} {
		part := strings.Split(k.run(strings.Fields(command)...), "\n")
		if !strings.Contains(command, "tables") {
			sort.Strings(part)
		}
		for _, line := range part {
			line = volatile.ReplaceAllString(counted.ReplaceAllString(strings.TrimSpace(line), ""), "")
			if line != "" && !strings.HasPrefix(line, "#") && !strings.Contains(line, " table local ") {
				lines = append(lines, fmt.Sprintf("%s: %s", command, line))
			}
		}
	}
	return strings.Join(lines, "\n") + "\n" + k.table()
}

// table prints our nft table, if there is one: its chains, sets and maps in the order of their names.
func (k *kernel) table() string {
	out, err := exec.Command("nft", "-s", "list", "table", "inet", "mwan3").Output()
	if err != nil {
		return ""
	}
	var blocks []string
	for _, block := range strings.Split(string(out), "\n\t}\n") {
		block = strings.TrimPrefix(strings.TrimSpace(block), "table inet mwan3 {\n\t")
		if !strings.HasPrefix(block, "set ipset_") {
			blocks = append(blocks, block)
		}
	}
	sort.Strings(blocks)
	return strings.Join(blocks, "\n")
}
