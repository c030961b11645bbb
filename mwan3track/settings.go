package main

import (
	"fmt"
	"slices"
)

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
