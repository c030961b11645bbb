package bind

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/network"
)

// thing is what a bound program does, and what it sees: who the other side takes it for, its device, its mark.
type thing struct{ do, want string }

func TestSocketsOfABoundProgramGoThroughItsDevice(t *testing.T) {
	for _, tt := range []struct {
		family network.Family
		things []thing
	}{
		{network.IPv4, []thing{
			{"tcp " + target4, "10.0.1.2 [wan0 0x3f00]"},
			{"udp " + target4, "10.0.1.2 [wan0 0x100]"},
			{"tcp " + target6, "ENETUNREACH"},
			{"udp " + target6, "ENETUNREACH"},
			{"tcp " + home4, "127.0.0.1 [ 0x3f00]"},
			{"tcp " + home6, "::1 [ 0x3f00]"},
			{"udp " + home4, "127.0.0.1 [ 0x100]"},
			{"udp " + home6, "::1 [ 0x100]"},
			{"sendto udp4 " + target4 + " " + target4, "10.0.1.2 10.0.1.2 [wan0 0x100]"},
			{"sendto udp " + target4 + " " + target6 + " " + target4, "10.0.1.2 ENETUNREACH 10.0.1.2 [wan0 0x100]"},
			{"sendto udp4 " + home4 + " " + home4 + " " + target4, "127.0.0.1 127.0.0.1 10.0.1.2 [wan0 0x100]"},
			{"sendto udp " + home4 + " " + home6, "127.0.0.1 ::1 [ 0x100]"},
			{"sendto udp4 " + target4 + " " + home4 + " " + home4, "10.0.1.2 silence 127.0.0.1 [ 0x100]"},
			{"from tcp 10.0.2.2:0 " + target4, "10.0.1.2 [wan0 0x3f00]"},
			{"from udp 10.0.2.2:0 " + target4, "10.0.1.2 [wan0 0x100]"},
			{"from tcp 127.0.0.1:0 " + home4, "127.0.0.1 [ 0x3f00]"},
			{"listen tcp4 :8", "0.0.0.0 [wan0 0x3f00]"},
			{"listen tcp :8", ":: [wan0 0x3f00]"},
			{"listen tcp 10.0.2.2:8", "10.0.1.2 [wan0 0x3f00]"},
			{"listen tcp 127.0.0.1:8", "127.0.0.1 [ 0x3f00]"},
			{"listen tcp [::1]:8", "::1 [ 0x3f00]"},
			{"listen udp 10.0.2.2:8", "10.0.1.2 [wan0 0x100]"},
			{"listen udp 224.0.0.251:8", "224.0.0.251 [wan0 0x100]"},
			{"listen udp 0.0.0.0:0", "0.0.0.0 [ 0x100]"},
			{"listen udp [::]:8", ":: [wan0 0x100]"},
			{"raw icmp", "raw [wan0 0x3f00]"},
			{"raw icmp6", "EAFNOSUPPORT"},
			{"steal wan1 " + target4, "10.0.1.2 [wan0 0x3f00]"},
		}},
		{network.IPv6, []thing{
			{"tcp " + target6, "2001:db8:1::2 [wan0 0x3f00]"},
			{"udp " + target6, "2001:db8:1::2 [wan0 0x100]"},
			{"tcp " + target4, "ENETUNREACH"},
			{"udp " + target4, "ENETUNREACH"},
			{"tcp " + home4, "127.0.0.1 [ 0x3f00]"},
			{"tcp " + home6, "::1 [ 0x3f00]"},
			{"sendto udp6 " + target6 + " " + target6, "2001:db8:1::2 2001:db8:1::2 [wan0 0x100]"},
			{"sendto udp " + home4 + " " + home6 + " " + target6, "127.0.0.1 ::1 2001:db8:1::2 [wan0 0x100]"},
			{"sendto udp " + target4 + " " + target6, "ENETUNREACH 2001:db8:1::2 [wan0 0x100]"},
			{"from tcp [2001:db8:2::2]:0 " + target6, "2001:db8:1::2 [wan0 0x3f00]"},
			{"from udp [2001:db8:2::2]:0 " + target6, "2001:db8:1::2 [wan0 0x100]"},
			{"listen tcp [2001:db8:2::2]:8", "2001:db8:1::2 [wan0 0x3f00]"},
			{"listen tcp [::1]:8", "::1 [ 0x3f00]"},
			{"listen tcp :8", ":: [wan0 0x3f00]"},
			{"listen udp [ff05::1]:8", "ff05::1 [wan0 0x100]"},
			{"raw icmp6", "raw [wan0 0x3f00]"},
			{"raw icmp", "EAFNOSUPPORT"},
			{"steal wan1 " + target6, "2001:db8:1::2 [wan0 0x3f00]"},
		}},
	} {
		t.Run(tt.family.String(), func(t *testing.T) {
			l := newLab(t)
			l.sees(tt.things, entry{Binding: l.binding(tt.family)})
		})
	}
}

func TestWithoutAMarkThatLeadsThereSocketsAreBoundAtOnce(t *testing.T) {
	l := newLab(t)
	b := l.binding(network.IPv4)
	b.Route = 0
	l.sees([]thing{
		{"tcp " + target4, "10.0.1.2 [wan0 0x3f00]"},
		{"udp " + target4, "10.0.1.2 [wan0 0x3f00]"},
		{"tcp " + home4, "127.0.0.1 [ 0x3f00]"},
		{"udp " + home4, "127.0.0.1 [ 0x3f00]"},
		{"sendto udp4 " + target4 + " " + target4, "10.0.1.2 10.0.1.2 [wan0 0x3f00]"},
		{"sendto udp4 " + home4 + " " + home4, "silence 127.0.0.1 [ 0x3f00]"},
	}, entry{Binding: b})
}

func TestOlderKernelsBindAsWellAsTheyCan(t *testing.T) {
	l := newLab(t)
	for lacks, want := range map[int]string{1: "EPERM", 2: "EPERM"} {
		home, listening := "127.0.0.1 [ 0x3f00]", "0.0.0.0 [wan0 0x3f00]"
		if lacks == 2 {
			home = "silence"
		}
		l.sees([]thing{
			{"tcp " + target4, "10.0.1.2 [wan0 0x3f00]"},
			{"tcp " + target6, want},
			{"sendto udp4 " + target4 + " " + target4, "10.0.1.2 10.0.1.2 [" + map[int]string{1: "wan0"}[lacks] + " 0x100]"},
			{"sendto udp " + home4 + " " + home6 + " " + target6, "127.0.0.1 ::1 EPERM [ 0x100]"},
			{"tcp " + home4, home},
			{"listen tcp4 :8", listening},
			{"raw icmp6", want},
		}, entry{l.binding(network.IPv4), lacks})
	}
}

func TestAProgramWithoutPrivilegesIsBoundAndReachesTheRouter(t *testing.T) {
	l := newLab(t)
	l.sees([]thing{
		{"setuid", "nobody"},
		{"tcp " + target4, "10.0.1.2 [wan0 0x3f00]"},
		{"tcp " + home4, "127.0.0.1 [ 0x3f00]"},
		{"sendto udp4 " + home4 + " " + home4, "127.0.0.1 127.0.0.1 [ 0x100]"},
		{"sendto udp4 " + target4 + " " + target4, "10.0.1.2 10.0.1.2 [wan0 0x100]"},
		{"steal wan1 " + target4, "10.0.1.2 [wan0 0x3f00]"},
		{"enter", "this kernel cannot bind programs to a device: only root may do that (CAP_BPF, CAP_NET_ADMIN)"},
	}, entry{Binding: l.binding(network.IPv4)})
}

func TestTheLastBindingCounts(t *testing.T) {
	l := newLab(t)
	other := l.binding(network.IPv6)
	other.Mark = 0x3000
	l.sees([]thing{{"tcp " + target4, "10.0.1.2 [wan0 0x3f00]"}, {"raw icmp", "raw [wan0 0x3f00]"}},
		entry{Binding: other}, entry{Binding: l.binding(network.IPv4)})
}

func TestWithASourceThatIsGoneTheKernelChooses(t *testing.T) {
	l := newLab(t)
	b := l.binding(network.IPv4)
	b.Source = netip.MustParseAddr("203.0.113.1")
	l.sees([]thing{{"tcp " + target4, "10.0.1.2 [wan0 0x3f00]"}, {"udp " + target4, "10.0.1.2 [wan0 0x100]"}}, entry{Binding: b})
}

func TestWithADeviceThatIsGoneNothingIsSent(t *testing.T) {
	l := newLab(t)
	b := l.binding(network.IPv4)
	b.Device, b.Index, b.Route = "wan9", 99, 0
	l.sees([]thing{{"tcp " + target4, "ENODEV"}, {"udp " + target4, "ENODEV"}, {"sendto udp4 " + target4, "ENODEV [ 0x3f00]"}}, entry{Binding: b})
}

func TestEnteringRemovesCgroupsThatNobodyIsIn(t *testing.T) {
	l := newLab(t)
	parent, err := findParent()
	must(t, err)
	bound := []entry{{Binding: l.binding(network.IPv4)}}
	left := filepath.Join(parent, strings.TrimSpace(l.ask(bound, "where")))
	if !strings.HasPrefix(filepath.Base(left), prefix) {
		t.Fatalf("the program was in %s", left)
	}
	l.ask(bound)
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
}

func TestWhatCannotBeEnteredIsRefused(t *testing.T) {
	four := netip.MustParseAddr("192.0.2.1")
	for _, tt := range []struct {
		binding Binding
		want    string
	}{
		{Binding{Index: 1, Source: four}, `device "" cannot be bound to`},
		{Binding{Device: "wan", Source: four}, `device "wan" cannot be bound to`},
		{Binding{Device: "a-name-too-long-", Index: 1, Source: four}, `device "a-name-too-long-" cannot be bound to`},
		{Binding{Device: "wan", Index: 1, Source: four, Family: network.IPv6}, "source 192.0.2.1 is not of family ipv6"},
	} {
		if err := Enter(tt.binding); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

// sees compares what a bound program sees with what it should.
func (l *lab) sees(things []thing, entries ...entry) {
	l.t.Helper()
	var do, want []string
	for _, thing := range things {
		do, want = append(do, thing.do), append(want, thing.do+": "+thing.want)
	}
	got := strings.Split(strings.TrimSuffix(l.ask(entries, do...), "\n"), "\n")
	for i := range got {
		got[i] = do[i] + ": " + got[i]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Error(diff)
	}
}
