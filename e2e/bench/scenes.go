package main

import (
	"fmt"
	"strconv"
	"time"

	"e2e/lab"
)

// scene is one way in which an uplink dies, again and again.
type scene struct {
	name   string
	title  string
	pace   pace
	labs   int // that share the cuts, at the same time
	fault  func(*lab.ISP) error
	repair func(*lab.ISP) error
	outage time.Duration // at least, after all have noticed
	silent bool          // only the trackers can notice
	want   time.Duration // of the 99th percentile of all; 0 if there is no target
}

// wantOurs is the target for the 99th percentile of what is ours in a silent death.
const wantOurs = 30 * time.Millisecond

// linkPause is more than the second for which Linux may leave a link alone after its last change (linkwatch).
const linkPause = 1200 * time.Millisecond

// scenes are played one after the other. Those with a slow pace share their cuts among labs that mostly wait.
func scenes() []scene {
	quick := pace{interval: 100 * time.Millisecond, timeout: 300 * time.Millisecond, down: 3, up: 3}
	tuned := pace{interval: time.Second, timeout: time.Second, down: 3, up: 3}
	return []scene{
		{name: "silent", title: "silent death", pace: quick, labs: 1, silent: true, want: time.Second,
			fault: (*lab.ISP).Drop, repair: (*lab.ISP).Heal},
		{name: "tuned", title: "silent death", pace: tuned, labs: 6, silent: true,
			fault: (*lab.ISP).Drop, repair: (*lab.ISP).Heal},
		{name: "carrier", title: "carrier loss", pace: quick, labs: 1, want: 100 * time.Millisecond, outage: linkPause,
			fault: (*lab.ISP).CarrierOff, repair: (*lab.ISP).CarrierOn},
	}
}

func findScene(name string) (scene, error) {
	for _, s := range scenes() {
		if s.name == name {
			return s, nil
		}
	}
	return scene{}, fmt.Errorf("no scene %q: silent, tuned, carrier", name)
}

// pace is how the trackers probe: two targets, of which one is enough.
type pace struct {
	interval, timeout time.Duration
	down, up          int
}

const targets = 2

func (p pace) String() string {
	return fmt.Sprintf("interval %s s, timeout %s s, down %d, up %d, reliability 1, %d targets",
		seconds(p.interval), seconds(p.timeout), p.down, p.up, targets)
}

// tracking is the pace in the words of the configuration.
func (p pace) tracking() lab.Tracking {
	return lab.Tracking{
		Interval: seconds(p.interval), Timeout: seconds(p.timeout), Down: strconv.Itoa(p.down), Up: strconv.Itoa(p.up),
	}
}

// verdict is how long the settings ask to wait from the first unanswered probe to the verdict. A failed round gives way
// to the next after the interval or three quarters of the timeout, whichever is longer; the last is over with its timeout.
func (p pace) verdict() time.Duration {
	return time.Duration(p.down-1)*max(p.interval, p.timeout*3/4) + p.timeout
}

// upstream is how long upstream's loop takes on average from the cut to the verdict: half an interval until the next
// round; in each of them it waits for one target after the other, and sleeps an interval until the next.
func (p pace) upstream(targets int) time.Duration {
	down := time.Duration(p.down)
	return p.interval/2 + down*time.Duration(targets)*p.timeout + (down-1)*p.interval
}

// seconds writes a duration as the configuration wants it.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
