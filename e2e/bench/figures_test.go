package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"e2e/probes"
)

func milliseconds(n ...int) []time.Duration {
	var times []time.Duration
	for _, ms := range n {
		times = append(times, time.Duration(ms)*time.Millisecond)
	}
	return times
}

func TestAPercentileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred[:30], 50, 15},
		{hundred[:30], 99, 30},
		{hundred[:1], 50, 1},
		{hundred[:2], 50, 1},
		{hundred[:3], 50, 2},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("percentile %v of %d times is %d, want %d", c.p, len(c.sorted), got, c.want)
		}
	}
}

func TestTheVerdictIsDueByTheSettings(t *testing.T) {
	t.Parallel()
	type due struct{ ours, one, two time.Duration } // one, two: upstream with so many targets
	for _, c := range []struct {
		pace pace
		want due
	}{
		{pace{100 * time.Millisecond, 300 * time.Millisecond, 3, 3},
			due{750 * time.Millisecond, 1150 * time.Millisecond, 2050 * time.Millisecond}},
		{pace{time.Second, time.Second, 3, 3}, due{3 * time.Second, 5500 * time.Millisecond, 8500 * time.Millisecond}},
		{pace{10 * time.Second, 4 * time.Second, 5, 5}, due{44 * time.Second, 65 * time.Second, 85 * time.Second}},
	} {
		got := due{c.pace.verdict(), c.pace.upstream(1), c.pace.upstream(2)}
		if got != c.want {
			t.Errorf("%v: due after %v, want %v", c.pace, got, c.want)
		}
	}
}

func TestTheTableCountsWhatWasSeenAndSaysWhetherTargetsAreMet(t *testing.T) {
	t.Parallel()
	at := milliseconds(0, 40, 790, 800, 812, 815)
	whole := cut{Family: probes.V4, Unanswered: at[1], Due: at[2], Offline: at[3], Loaded: at[4], First: at[5], Back: at[1]}
	other := cut{Family: probes.V6, Unanswered: at[1], Due: at[2], First: 1001 * time.Millisecond, Back: at[1]}
	scene, err := findScene("silent")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	printFailover(&out, "nftables", []outcome{{scene, []cut{whole, other}}})
	if diff := cmp.Diff(wantTable, out.String()); diff != "" {
		t.Error(diff)
	}
}

const wantTable = `failover with nftables; milliseconds until a LAN client's new TCP connection is answered through the other uplink;
cuts at random phases, percentiles by nearest rank, none left out

what                                           family  cuts      min      p50      p99      max  target
silent death: interval 0.1 s, timeout 0.3 s, down 3, up 3, reliability 1, 2 targets
cut to first new connection                    IPv4       1    815.0    815.0    815.0    815.0  p99 < 1000: met
cut to first new connection                    IPv6       1   1001.0   1001.0   1001.0   1001.0  p99 < 1000: missed
  of that ours, beyond the verdict's due time  IPv4       1     25.0     25.0     25.0     25.0  p99 < 30: met
  of that ours, beyond the verdict's due time  IPv6       1    211.0    211.0    211.0    211.0  p99 < 30: missed
    due to STATUS offline                      IPv4       1     10.0     10.0     10.0     10.0
    due to STATUS offline                      IPv6       0        -        -        -        -
    … to policy loaded                         IPv4       1     12.0     12.0     12.0     12.0
    … to policy loaded                         IPv6       0        -        -        -        -
    … to first new connection                  IPv4       1      3.0      3.0      3.0      3.0
    … to first new connection                  IPv6       0        -        -        -        -
repair to first new connection back            IPv4       1     40.0     40.0     40.0     40.0
repair to first new connection back            IPv6       1     40.0     40.0     40.0     40.0
  for comparison: half an interval, and the verdict is due              800.0
`
