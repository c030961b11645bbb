package config

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"mwan3/network"
)

// A round faster than this would only keep the router busy. The longest pause is 11 days.
const (
	minInterval = 100 * time.Millisecond
	minTimeout  = 10 * time.Millisecond
	maxInterval = most * time.Second
)

// maxHost is the length of the longest host name (RFC 1035, without the last dot).
const maxHost = 253

// tracking reads how the interface is watched.
func (r *reader) tracking(f network.Family) Tracking {
	t := Tracking{
		Targets:     r.targets(f),
		Method:      r.method(f),
		HTTPingSSL:  r.boolean("httping_ssl"),
		Reliability: r.number("reliability", limits{1, most, 1}),
		Count:       r.number("count", limits{1, most, 1}),
		Size:        r.number("size", limits{0, 65507, 56}),
		MaxTTL:      r.number("max_ttl", limits{1, 255, 60}),
		Timeout:     r.duration("timeout", span{minTimeout, maxInterval, 4 * time.Second}),
		Interval:    r.duration("interval", span{minInterval, maxInterval, 10 * time.Second}),
		Down:        r.number("down", limits{1, most, 5}),
		Up:          r.number("up", limits{1, most, 5}),
	}
	t.FailureInterval = r.duration("failure_interval", span{minInterval, maxInterval, t.Interval})
	t.RecoveryInterval = r.duration("recovery_interval", span{minInterval, maxInterval, t.Interval})
	t.KeepFailureInterval = r.boolean("keep_failure_interval")
	r.quality(&t)
	if len(t.Targets) > 0 && t.Reliability > len(t.Targets) {
		r.fault("reliability", fmt.Sprintf("at most %d, the number of track_ip: the interface can never be online",
			len(t.Targets)))
	}
	return t
}

// quality reads when latency or loss count as failure. Only ping and httping measure them.
func (r *reader) quality(t *Tracking) {
	t.CheckQuality = r.boolean("check_quality")
	if t.CheckQuality && t.Method != Ping && t.Method != HTTPing {
		r.fault("check_quality", fmt.Sprintf("0 with track_method %s, which measures neither latency nor loss; using 0",
			t.Method))
		t.CheckQuality = false
	}
	t.FailureLatency = r.milliseconds("failure_latency", limits{1, most, 1000})
	t.RecoveryLatency = r.milliseconds("recovery_latency", limits{1, most, 500})
	t.FailureLoss = r.number("failure_loss", limits{1, 100, 40})
	t.RecoveryLoss = r.number("recovery_loss", limits{0, 100, 10})
}

func (r *reader) milliseconds(name string, l limits) time.Duration {
	return time.Duration(r.number(name, l)) * time.Millisecond
}

// method reads how targets are probed.
func (r *reader) method(f network.Family) Method {
	m := Method(r.choice("track_method", string(Ping), string(ARPing), string(HTTPing), string(NpingTCP),
		string(NpingUDP), string(NpingICMP), string(NpingARP), string(NSLookup)))
	if f == network.IPv6 && (m == ARPing || m == NpingARP) {
		r.fault("track_method", fmt.Sprintf("another one: %s does not support IPv6; using ping", m))
		return Ping
	}
	return m
}

// targets reads the addresses and host names that are probed.
func (r *reader) targets(f network.Family) []string {
	var targets []string
	for _, v := range r.list("track_ip") {
		addr, err := netip.ParseAddr(v.Text)
		switch {
		case err == nil && addr.Zone() == "" && familyOf(addr) != f:
			r.faultIn("track_ip", v, fmt.Sprintf("an %s address, as option family says, or a host name; it is left out", f))
		case err == nil && addr.Zone() == "", err != nil && isHost(v.Text):
			targets = append(targets, v.Text)
		default:
			r.faultIn("track_ip", v, fmt.Sprintf("an %s address or a host name; it is left out", f))
		}
	}
	return targets
}

// isHost tells whether the text can be the name of a host. One of digits and dots is a misspelt address.
func isHost(text string) bool {
	return len(text) <= maxHost && isWord(text, "_-.") && strings.Trim(text, "0123456789.") != "" &&
		!strings.ContainsAny(text[:1], "-.")
}

func familyOf(addr netip.Addr) network.Family {
	if addr.Is4() {
		return network.IPv4
	}
	return network.IPv6
}
