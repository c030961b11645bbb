package conntrack

import (
	"fmt"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func TestConnectionsOfAllKindsGetTheirNewMarkAndGoOn(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.echo("198.51.100.2:80")
	l.echo("[2001:db8::2]:80")
	tcp4, tcp6 := l.dial("tcp", "198.51.100.2:80"), l.dial("tcp", "[2001:db8::2]:80")
	l.say(tcp4)
	l.say(tcp6)
	l.in(l.client, func() {
		l.tell("ping -n -c 1 -W 5 198.51.100.2")
		l.tell("ping -n -c 1 -W 5 2001:db8::2")
	})
	for _, port := range []int{7001, 7002, 7003, 7004, 7005} {
		l.send(fmt.Sprintf("198.51.100.2:%d", port))
		l.send(fmt.Sprintf("[2001:db8::2]:%d", port))
	}
	want := []string{
		"1 198.51.100.2 0 0x40ff01aa", "17 198.51.100.2 7001 0x100", "17 198.51.100.2 7002 0x80ff02ff", "17 198.51.100.2 7003 0x300",
		"17 198.51.100.2 7004 0x0", "17 198.51.100.2 7005 0x100",
		"17 2001:db8::2 7001 0x100", "17 2001:db8::2 7002 0x80ff02ff", "17 2001:db8::2 7003 0x300",
		"17 2001:db8::2 7004 0x0", "17 2001:db8::2 7005 0x100",
		"58 2001:db8::2 0 0x40ff01aa", "6 198.51.100.2 80 0x40ff01aa", "6 2001:db8::2 80 0x40ff01aa",
	}
	l.await(len(want))
	l.expect("before", want)

	count, err := Remark(0x3f00, map[uint32]uint32{0x100: 0x500, 0x200: 0x600, 0x400: 0x700, 0x3f00: 0})
	must(t, err)
	if count != 10 {
		t.Errorf("%d connections changed, want 10", count)
	}
	l.expect("after", []string{
		"1 198.51.100.2 0 0x40ff05aa", "17 198.51.100.2 7001 0x500", "17 198.51.100.2 7002 0x80ff06ff", "17 198.51.100.2 7003 0x300",
		"17 198.51.100.2 7004 0x0", "17 198.51.100.2 7005 0x500",
		"17 2001:db8::2 7001 0x500", "17 2001:db8::2 7002 0x80ff06ff", "17 2001:db8::2 7003 0x300",
		"17 2001:db8::2 7004 0x0", "17 2001:db8::2 7005 0x500",
		"58 2001:db8::2 0 0x40ff05aa", "6 198.51.100.2 80 0x40ff05aa", "6 2001:db8::2 80 0x40ff05aa",
	})
	l.say(tcp4)
	l.say(tcp6)
}

func TestMarksCanBeSwapped(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.send("198.51.100.2:7001")
	l.send("198.51.100.2:7002")
	l.await(2)
	if count, err := Remark(0xff00, map[uint32]uint32{0x100: 0x200, 0x200: 0x100, 0x300: 0x300}); count != 2 || err != nil {
		t.Errorf("%d, %v; want 2", count, err)
	}
	l.expect("swapped", []string{"17 198.51.100.2 7001 0x200", "17 198.51.100.2 7002 0x80ff01ff"})
}

func TestTwoMasksTogetherMoveAMarkToOtherBits(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.send("198.51.100.2:7001")
	l.await(1)
	if count, err := Remark(0x3f00|0x3f00000, map[uint32]uint32{0x100: 0x100000}); count != 1 || err != nil {
		t.Errorf("%d, %v; want 1", count, err)
	}
	l.expect("moved", []string{"17 198.51.100.2 7001 0x100000"})
}

func TestConnectionsThatVanishMeanwhileDoNotCount(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for port := range 3 * chunk / 2 {
		l.send(fmt.Sprintf("198.51.100.2:%d", 10000+port))
	}
	l.await(3 * chunk / 2)
	change := map[uint32]uint32{0x100: 0x200}
	found, err := find(0x3f00, change)
	must(t, err)
	must(t, Flush())
	l.expect("flushed", nil)
	l.send("198.51.100.2:10001") // from another port: a connection of its own
	l.await(1)
	again, err := find(0x3f00, change)
	must(t, err)
	if count, err := update(remark(0x3f00, change), append(found, again...)); count != 1 || err != nil {
		t.Errorf("%d changed, %v; want 1", count, err)
	}
	l.expect("after", []string{"17 198.51.100.2 10001 0x200"})
}

func TestARefusedConnectionDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.send("198.51.100.2:7001")
	l.send("198.51.100.2:7002")
	l.await(2)
	change := map[uint32]uint32{0x100: 0x500, 0x200: 0x600}
	found, err := find(0x3f00, change)
	must(t, err)
	broken := entry{family: unix.AF_INET, tuple: []byte{8, 0, nl.CTA_TUPLE_ORIG, 0x80, 0, 0, 0, 0}, mark: 0x100}
	count, err := update(remark(0x3f00, change), append([]entry{broken}, found...))
	if count != 2 {
		t.Errorf("%d changed, want 2", count)
	}
	expectError(t, err, unix.EINVAL, "1 of 3 refused, the first one: invalid argument")
}

func TestWithoutAnythingToChangeTheTableIsNotRead(t *testing.T) {
	for _, change := range []map[uint32]uint32{nil, {0x100: 0x100}, {0x1: 0x100}, {0x100: 0x80000100}} {
		if wanted, _ := effective(0x3f00, change); len(wanted) > 0 {
			t.Errorf("%v: %v", change, wanted)
		}
	}
}

func TestOnlyWhatCanBeRepeatedIs(t *testing.T) {
	for _, tt := range []struct {
		change map[uint32]uint32
		want   bool
	}{
		{map[uint32]uint32{0x100: 0x200, 0x300: 0x400}, true},
		{map[uint32]uint32{0x100: 0x200, 0x200: 0x200}, true},
		{map[uint32]uint32{0x100: 0, 0x300: 0}, true},
		{map[uint32]uint32{0x100: 0x200, 0x200: 0x300}, false},
	} {
		if _, got := effective(0x3f00, tt.change); got != tt.want {
			t.Errorf("%v: %v", tt.change, got)
		}
	}
}

func TestAMissingModuleIsNamed(t *testing.T) {
	const text = "the kernel lacks nf_conntrack_netlink (OpenWrt: package kmod-nf-conntrack-netlink): "
	expectError(t, explain(unix.EINVAL), ErrMissing, text+"invalid argument")
	expectError(t, explain(unix.EPROTONOSUPPORT), ErrMissing, text+"protocol not supported")
	expectError(t, explain(unix.EPERM), unix.EPERM, "operation not permitted")
}

func TestFlushEmptiesTheTable(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.send("198.51.100.2:7001")
	l.send("[2001:db8::2]:7002")
	l.await(2)
	must(t, Flush())
	l.expect("after", nil)
}

// BenchmarkRemark gives 5,000 connections of a table of 5,000 another mark.
func BenchmarkRemark(b *testing.B) {
	l := newLab(b)
	l.fill(5000)
	from, to := uint32(0x100), uint32(0x200)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		count, err := Remark(0x3f00, map[uint32]uint32{from: to})
		must(b, err)
		if count != 5000 {
			b.Fatal(count)
		}
		from, to = to, from
	}
}
