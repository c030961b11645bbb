package main

import (
	"errors"
	"fmt"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/firewall"
	"mwan3/plan"
)

// successor is a backend that takes the place of others. Their marking goes first: of two in the kernel at once, the
// second would take the mark of the first, which answers get so that main routes them, for the connection's and save
// it, and every connection through another uplink than main's would break. Without any, connections keep their
// marks and wait a moment.
type successor struct {
	firewall.Backend
	others []firewall.Backend
	former config.Backend // goes on if its successor cannot be loaded; empty: none
}

// succeed makes a backend load its marking so that it is the only one. running is the backend that has one now; empty if
// that is not certain.
func succeed(backend firewall.Backend, name, running config.Backend) apply.Marker {
	if running == name {
		return backend
	}
	return successor{backend, others(name), running}
}

// Load removes the others and loads the marking.
func (s successor) Load(m plan.Marking, sets []plan.Set) ([]string, error) {
	var notes []string
	for _, other := range s.others {
		if err := other.Remove(); err != nil {
			notes = append(notes, fmt.Sprintf("remove another marking: %v", err))
		}
	}
	more, err := s.Backend.Load(m, sets)
	notes = append(notes, more...)
	if err == nil || s.former == "" {
		return notes, err
	}
	former, _, err2 := firewall.Choose(s.former, "")
	if err2 == nil {
		err2 = s.Backend.Remove()
		more, err3 := former.Load(m, sets)
		notes, err2 = append(notes, more...), errors.Join(err2, err3)
	}
	return notes, errors.Join(err, err2)
}

// others opens the backends but for one, as far as this router has them.
func others(name config.Backend) []firewall.Backend {
	var found []firewall.Backend
	for _, other := range []config.Backend{config.NFTables, config.IPTables} {
		if backend, _, err := firewall.Choose(other, ""); other != name && err == nil {
			found = append(found, backend)
		}
	}
	return found
}
