package probe

import (
	"context"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"mwan3/emulation"
	"mwan3/network"
)

func TestOldPacketsDoNotFillTheSocket(t *testing.T) {
	for i, probe := range overLoopback(t, 2*time.Second) {
		path, target := loopback(i)
		other := newPing(t, path, patient)
		probe()
		for range maxOld {
			other.Probe(context.Background(), target) // the socket of probe hears these answers, too
		}
		if result := probe(); !result.OK {
			t.Errorf("%s: %+v", path.Family, result)
		}
	}
}

// loopback is a path whose target is the kernel itself.
func loopback(family int) (Path, Target) {
	host := []string{"127.0.0.1", "::1"}[family]
	target := Target{Host: host, Addr: netip.MustParseAddr(host)}
	return Path{Family: network.Family(family), Device: "lo", Source: target.Addr, Mark: 0x3f00}, target
}

// overLoopback makes probes that the kernel answers before they are sent, so that nothing else in this process does
// any work; one for each family.
func overLoopback(t testing.TB, timeout time.Duration) []func() Result {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread()
	must(t, syscall.Unshare(syscall.CLONE_NEWNET))
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var probes []func() Result
	for i := range network.Families {
		path, target := loopback(i)
		options := patient
		options.Timeout = timeout
		p, err := NewPing(path, options)
		must(t, err)
		t.Cleanup(func() { p.Close() })
		probes = append(probes, func() Result { return p.Probe(ctx, target) })
	}
	return probes
}

func TestAProbeNeedsNoMemory(t *testing.T) {
	for i, probe := range overLoopback(t, patient.Timeout) {
		if result := probe(); !result.OK {
			t.Fatalf("%s: %+v", network.Family(i), result)
		}
		if allocs := testing.AllocsPerRun(200, func() { probe() }); allocs != 0 {
			t.Errorf("%s: %g allocations per probe", network.Family(i), allocs)
		}
	}
}

func BenchmarkProbe(b *testing.B) {
	for i, probe := range overLoopback(b, patient.Timeout) {
		b.Run(network.Family(i).String(), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				probe()
			}
		})
	}
}
