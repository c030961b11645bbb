package conntrack

import (
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// sendAll opens connections of several marks in both families: see marks.
func (l *lab) sendAll() {
	for _, port := range []int{7001, 7002, 7003, 7004, 7005} {
		l.send(fmt.Sprintf("198.51.100.2:%d", port))
		l.send(fmt.Sprintf("[2001:db8::2]:%d", port))
	}
}

func TestDeletionFollowsMarkAndFamilyAndNothingElse(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.sendAll()
	l.await(10)
	must(t, Delete(Marked{unix.AF_INET, 0x100, 0x3f00})) // one of them is in another zone
	l.expect("0x100 of IPv4 deleted", []string{
		"17 198.51.100.2 7002 0x80ff02ff", "17 198.51.100.2 7003 0x300", "17 198.51.100.2 7004 0x0",
		"17 2001:db8::2 7001 0x100", "17 2001:db8::2 7002 0x80ff02ff", "17 2001:db8::2 7003 0x300",
		"17 2001:db8::2 7004 0x0", "17 2001:db8::2 7005 0x100",
	})
	must(t, Delete(Marked{unix.AF_INET6, 0x200, 0x3f00})) // it has bits of others
	must(t, Delete(Marked{unix.AF_INET, 0, 0x3f00}))
	must(t, Delete(Marked{unix.AF_INET6, 0x500, 0x3f00})) // nobody has it
	l.expect("deleted", []string{
		"17 198.51.100.2 7002 0x80ff02ff", "17 198.51.100.2 7003 0x300",
		"17 2001:db8::2 7001 0x100", "17 2001:db8::2 7003 0x300",
		"17 2001:db8::2 7004 0x0", "17 2001:db8::2 7005 0x100",
	})
}

func TestWhatWouldSelectTheWholeTableIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.sendAll()
	before := l.await(10)
	for _, m := range []Marked{{}, {Family: unix.AF_INET}, {Mask: 0x3f00}} {
		_, err := ListTranslated(m)
		for _, err := range []error{err, Delete(m)} {
			expectError(t, err, err, "select connections by mark: no mask, or no family")
		}
	}
	l.expect("after", before)
}

func TestOnlyTranslatedConnectionsThatCanBeRevivedAreListed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.echo("198.51.100.2:80")
	tcp := l.dial("tcp", "198.51.100.2:80")
	l.say(tcp)
	l.sendAll()
	l.dialFromRouter("198.51.100.2:7001")
	l.await(12)
	all, err := ListTranslated(Marked{unix.AF_INET, 0x100, 0x3f00})
	must(t, err)
	if len(all) != 2 { // ports 7001 and 7005
		t.Fatalf("%d connections, want 2: %+v", len(all), all)
	}
	for _, one := range all {
		if want := netip.MustParseAddr("198.51.100.1"); one.Source != want {
			t.Errorf("translated to %s, want %s", one.Source, want)
		}
	}
	six, err := ListTranslated(Marked{unix.AF_INET6, 0, 0x3f00})
	must(t, err)
	if len(six) != 1 || six[0].Source != netip.MustParseAddr("2001:db8::1") {
		t.Errorf("IPv6: %+v", six)
	}
}

func TestAConnectionWithAnotherIDIsNotDeleted(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.send("198.51.100.2:7004")
	l.send("198.51.100.2:7004")
	l.await(2)
	all, err := ListTranslated(Marked{unix.AF_INET, 0, 0x3f00})
	must(t, err)
	all[0].entry.id[unix.SizeofNlAttr] ^= 0xff
	if count, err := DeleteTranslated(all); count != 1 || err != nil {
		t.Errorf("%d deleted, %v; want 1", count, err)
	}
	l.expect("after", []string{"17 198.51.100.2 7004 0x0"})
}

// BenchmarkDeleteNothing looks in a table of 5,000 connections for what is never there.
func BenchmarkDeleteNothing(b *testing.B) {
	l := newLab(b)
	l.fill(5000)
	b.ResetTimer()
	for range b.N {
		must(b, Delete(Marked{unix.AF_INET, 0x3e00, 0x3f00}))
	}
}

// BenchmarkListNothing does so where only a list can tell.
func BenchmarkListNothing(b *testing.B) {
	l := newLab(b)
	l.fill(5000)
	b.ResetTimer()
	for range b.N {
		all, err := ListTranslated(Marked{unix.AF_INET, 0, 0x3f00})
		must(b, err)
		if len(all) > 0 {
			b.Fatal(all)
		}
	}
}

// BenchmarkDelete deletes 5,000 connections.
func BenchmarkDelete(b *testing.B) {
	l := newLab(b)
	for range b.N {
		b.StopTimer()
		l.fill(5000)
		b.StartTimer()
		must(b, Delete(Marked{unix.AF_INET, 0x100, 0x3f00}))
	}
}
