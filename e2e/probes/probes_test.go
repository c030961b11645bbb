package probes

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheFirstUnansweredProbeIsTheOneAfterTheLastAnsweredOne(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	at := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
	lost, answered := func(n int) Probe { return Probe{Sent: at(n)} }, func(n int) Probe { return Probe{Sent: at(n), Answered: at(n)} }
	for _, c := range []struct {
		name   string
		probes []Probe
		want   time.Time
	}{
		{"no probes", nil, time.Time{}},
		{"all answered", []Probe{answered(1), answered(2)}, time.Time{}},
		{"none answered", []Probe{lost(1), lost(2)}, at(1)},
		{"one lost earlier", []Probe{answered(1), lost(2), answered(3), lost(4), lost(5)}, at(4)},
	} {
		got, ok := FirstUnanswered(c.probes)
		if got != c.want || ok == c.want.IsZero() {
			t.Errorf("%s: %v, %v; want %v", c.name, got, ok, c.want)
		}
	}
}

func TestEchoesAreReadFromPackets(t *testing.T) {
	t.Parallel()
	head4 := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 1, 1, 2, 198, 51, 100, 1}
	head6 := append([]byte{0x60, 0, 0, 0, 0, 8, 58, 64}, make([]byte, 32)...)
	copy(head6[8:], netip.MustParseAddr("2001:db8:51::1").AsSlice())
	copy(head6[24:], netip.MustParseAddr("fd00:1:1::2").AsSlice())
	join := func(head []byte, message ...byte) []byte { return append(append([]byte{}, head...), message...) }
	target4, target6 := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("2001:db8:51::1")
	type result struct {
		Family Family
		Echo   Echo
		OK     bool
	}
	for _, c := range []struct {
		name   string
		packet []byte
		want   result
	}{
		{"request", join(head4, 8, 0, 0, 0, 1, 2, 3, 4), result{V4, Echo{target4, 0x102, 0x304, false}, true}},
		{"reply", join(head6, 129, 0, 0, 0, 1, 2, 3, 4), result{V6, Echo{target6, 0x102, 0x304, true}, true}},
		{"neighbour solicitation", join(head6, 135, 0, 0, 0, 0, 0, 0, 0), result{}},
		{"other family's type", join(head4, 128, 0, 0, 0, 1, 2, 3, 4), result{}},
		{"cut off", join(head4, 8, 0, 0), result{}},
		{"header that is longer than the packet", append([]byte{0x4f}, head4[1:]...), result{}},
		{"nothing", nil, result{}},
	} {
		var got result
		if got.Family, got.Echo, got.OK = parseEcho(c.packet); !got.OK {
			got = result{}
		}
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func FuzzEchoesOfAnyPacket(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 1, 1, 2, 198, 51, 100, 1, 8, 0, 0, 0, 1, 2, 3, 4})
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 8, 58, 64}, make([]byte, 40)...))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if family, e, ok := parseEcho(packet); ok && (e.Target.Is4() != (family == V4)) {
			t.Errorf("%s, and a target of %s", family, e.Target)
		}
	})
}
