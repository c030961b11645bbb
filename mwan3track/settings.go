package main

import (
	"errors"
	"fmt"
	"slices"
)

// errNothing is wrapped by the errors that say that the config has nothing to track.
var errNothing = errors.New("nothing to track")

// nothing is why an interface is not tracked.
type nothing struct {
	reason string
	valid  bool // the interface is fine, it only has no targets
}

func (n nothing) Error() string        { return n.reason }
func (n nothing) Is(target error) bool { return target == errNothing }

// check returns why an interface is not to be tracked.
func (s settings) check() error {
	switch {
	case !s.section.Enabled:
		return nothing{reason: fmt.Sprintf("interface %s is not enabled", s.section.Name)}
	case len(s.section.Tracking.Targets) == 0:
		return nothing{reason: fmt.Sprintf("interface %s has no track_ip, there is nothing to track", s.section.Name), valid: true}
	}
	return nil
}

// same tells whether two settings make the tracker do the same.
func (s settings) same(other settings) bool {
	return s.mask == other.mask && s.fingerprint() == other.fingerprint() &&
		slices.Equal(s.section.Tracking.Targets, other.section.Tracking.Targets)
}

// fingerprint is all of the section but its targets that the tracker uses.
func (s settings) fingerprint() string {
	tracking := s.section.Tracking
	tracking.Targets = nil
	return fmt.Sprint(s.section.ID, s.section.Family, s.section.InitialOffline, s.section.Device, s.section.Gateway, tracking)
}
