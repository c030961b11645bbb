// Package reply is the language in which mwan3 tells its trackers what it sees and has decided: `mwan3 tracking` and
// `mwan3 path` write it, mwan3track reads it. An answer is lines of a name, a blank and a value: texts are quoted as in Go,
// durations have their units, addresses that are not there are empty. Each name comes once but for those of lists. There is
// no I/O here. What one side has and the other does not know is an error: they are not of the same version then.
package reply

import (
	"net/netip"

	"mwan3/config"
	"mwan3/network"
)

// Settings are what the config says about an interface that is to be tracked.
type Settings struct {
	// Interface has what a tracker uses: ID, Family, InitialOffline, Tracking, Device and Gateway. The rest is zero.
	Interface config.Interface
	Mask      config.Mask
}

// Untracked is the answer for an interface that is not to be tracked, as an error.
type Untracked struct {
	Reason string
	Fine   bool // nothing is wrong with the interface: it only has no targets
}

func (u Untracked) Error() string { return u.Reason }

// Path is an interface as it is now.
type Path struct {
	Up      bool // the rest is zero if not
	Family  network.Family
	Device  string
	Index   int        // of the device; 0 if it is not there
	Source  netip.Addr // of probes; invalid: the kernel chooses
	Guessed bool       // netifd gave no source
	Mark    uint32     // of probes
	Gateway netip.Addr // the next hop, if it is a target and there is one
}

// fields are the lines of settings.
func (s *Settings) fields() []field {
	i, t := &s.Interface, &s.Interface.Tracking
	return []field{
		{"id", &i.ID},
		{"mask", (*uint32)(&s.Mask)},
		{"family", &i.Family},
		{"device", &i.Device},
		{"gateway", &i.Gateway},
		{"initial_offline", &i.InitialOffline},
		{"target", &t.Targets},
		{"method", (*string)(&t.Method)},
		{"ssl", &t.HTTPingSSL},
		{"reliability", &t.Reliability},
		{"count", &t.Count},
		{"size", &t.Size},
		{"max_ttl", &t.MaxTTL},
		{"timeout", &t.Timeout},
		{"timeout_max", &t.TimeoutMax},
		{"port", &t.Port},
		{"nslookup_name", &t.NSLookupName},
		{"http_path", &t.HTTPPath},
		{"http_status", &t.HTTPStatus},
		{"interval", &t.Interval},
		{"failure_interval", &t.FailureInterval},
		{"recovery_interval", &t.RecoveryInterval},
		{"keep_failure_interval", &t.KeepFailureInterval},
		{"down", &t.Down},
		{"up", &t.Up},
		{"check_quality", &t.CheckQuality},
		{"quality_window", &t.QualityWindow},
		{"failure_latency", &t.FailureLatency},
		{"failure_loss", &t.FailureLoss},
		{"failure_jitter", &t.FailureJitter},
		{"recovery_latency", &t.RecoveryLatency},
		{"recovery_loss", &t.RecoveryLoss},
		{"recovery_jitter", &t.RecoveryJitter},
		{"flap_damping", &t.FlapDamping},
	}
}

func (u *Untracked) fields() []field {
	return []field{{"untracked", &u.Reason}, {"fine", &u.Fine}}
}

func (p *Path) fields() []field {
	return []field{
		{"up", &p.Up},
		{"family", &p.Family},
		{"device", &p.Device},
		{"index", &p.Index},
		{"source", &p.Source},
		{"guessed", &p.Guessed},
		{"mark", &p.Mark},
		{"gateway", &p.Gateway},
	}
}

// String returns the answer as it is sent.
func (s Settings) String() string { return write(s.fields()) }

// String returns the answer as it is sent.
func (u Untracked) String() string { return write(u.fields()) }

// String returns the answer as it is sent.
func (p Path) String() string { return write(p.fields()) }

// ParseSettings reads the answer of `mwan3 tracking`. The error is an Untracked if that is the answer; else it names the
// line that is wrong.
func ParseSettings(text string) (Settings, error) {
	var u Untracked
	if beginsWith(text, u.fields()[0]) {
		if err := read(text, u.fields()); err != nil {
			return Settings{}, err
		}
		return Settings{}, u
	}
	var s Settings
	if err := read(text, s.fields()); err != nil {
		return Settings{}, err
	}
	return s, nil
}

// ParsePath reads the answer of `mwan3 path`. The error names the line that is wrong.
func ParsePath(text string) (Path, error) {
	var p Path
	if err := read(text, p.fields()); err != nil {
		return Path{}, err
	}
	return p, nil
}
