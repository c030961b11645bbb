package config

import (
	"fmt"
	"net/netip"
	"slices"
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

// maxWindow is the longest quality_window, in probes. Each one costs the tracker 24 bytes for each target.
const maxWindow = 1000

// The lengths of the longest host name and of its longest part (RFC 1035, without the last dot), and of a path.
const (
	maxHost  = 253
	maxLabel = 63
	maxPath  = 1024
)

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
	if r.boolean("track_gateway") {
		t.Targets = append(t.Targets, GatewayTarget)
	}
	t.TimeoutMax = r.duration("timeout_max", span{t.Timeout, maxInterval, t.Timeout})
	r.asked(&t)
	t.FailureInterval = r.duration("failure_interval", span{minInterval, maxInterval, t.Interval})
	t.RecoveryInterval = r.duration("recovery_interval", span{minInterval, maxInterval, t.Interval})
	t.KeepFailureInterval = r.boolean("keep_failure_interval")
	r.quality(&t)
	t.FlapDamping = r.duration("flap_damping", span{0, maxInterval, 0})
	if len(t.Targets) > 0 && t.Reliability > len(t.Targets) {
		r.fault("reliability", fmt.Sprintf("at most %d, the number of targets: the interface can never be online",
			len(t.Targets)))
	}
	if most := int((t.Timeout + time.Second - 1) / time.Second); t.Method == ARPing && t.Count > most {
		r.fault("count", fmt.Sprintf("at most %d with track_method arping, which asks once per second until its timeout: "+
			"the interface can never be online", most))
	}
	return t
}

// asked reads what targets are asked, for the methods that have a choice. The page and its status go together: that is
// what Google's servers for detecting login pages answer, and others like them.
func (r *reader) asked(t *Tracking) {
	t.Port = r.number("track_port", limits{1, 65535, defaultPort(t.Method, t.HTTPingSSL)})
	t.NSLookupName = r.checked("nslookup_name", "www.google.com", "a host name", isDomain)
	t.HTTPPath = r.checked("http_path", "/generate_204", "a path that begins with /, without blanks", isPath)
	t.HTTPStatus = r.number("http_status", limits{100, 599, 204})
	if defaultPort(t.Method, t.HTTPingSSL) == 0 {
		t.Port = 0
	}
}

// defaultPort is the port that upstream's tools ask, 0 for methods without ports.
func defaultPort(m Method, ssl bool) int {
	switch m {
	case TCP:
		return 443
	case HTTPing:
		if ssl {
			return 443
		}
		return 80
	case HTTP, NpingTCP:
		return 80
	case NpingUDP:
		return 40125
	case NSLookup:
		return 53
	}
	return 0
}

// checked returns a text that is valid.
func (r *reader) checked(name, fallback, want string, valid func(string) bool) string {
	text := first(r.text(name), fallback)
	if !valid(text) {
		r.fault(name, fmt.Sprintf("%s; using %s", want, fallback))
		return fallback
	}
	return text
}

// isDomain tells whether DNS can be asked for the name.
func isDomain(name string) bool {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	return isHost(name) && !slices.ContainsFunc(labels, func(label string) bool { return label == "" || len(label) > maxLabel })
}

// isPath tells whether the text can stand in an HTTP request.
func isPath(text string) bool {
	odd := func(c rune) bool { return c <= ' ' || c > '~' }
	return strings.HasPrefix(text, "/") && len(text) <= maxPath && !strings.ContainsFunc(text, odd)
}

// quality reads when latency, loss or jitter count as failure.
func (r *reader) quality(t *Tracking) {
	t.CheckQuality = r.boolean("check_quality")
	t.QualityWindow = r.number("quality_window", limits{1, maxWindow, 1})
	t.FailureLatency = r.milliseconds("failure_latency", limits{1, most, 1000})
	t.RecoveryLatency = r.milliseconds("recovery_latency", limits{1, most, 500})
	t.FailureLoss = r.number("failure_loss", limits{1, 100, 40})
	t.RecoveryLoss = r.number("recovery_loss", limits{0, 100, 10})
	t.FailureJitter = r.milliseconds("failure_jitter", limits{0, most, 0})
	t.RecoveryJitter = r.milliseconds("recovery_jitter", limits{0, most, 0})
}

func (r *reader) milliseconds(name string, l limits) time.Duration {
	return time.Duration(r.number(name, l)) * time.Millisecond
}

// method reads how targets are probed. The tracker takes ping in place of one that the family lacks, and says so.
func (r *reader) method(f network.Family) Method {
	m := Method(r.choice("track_method", string(Ping), string(ARPing), string(HTTPing), string(NpingTCP),
		string(NpingUDP), string(NpingICMP), string(NpingARP), string(NSLookup), string(TCP), string(HTTP)))
	if f == network.IPv6 && (m == ARPing || m == NpingARP) {
		r.fault("track_method", fmt.Sprintf("another one: %s does not support IPv6; using ping", m))
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
