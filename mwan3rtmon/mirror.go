package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/iproute"
	"mwan3/ipset"
	"mwan3/network"
	"mwan3/nft"
	"mwan3/plan"
	"mwan3/survey"
	"mwan3/syslog"
)

// mirror keeps one family's tables and sets as the plan wants them.
type mirror struct {
	family   network.Family
	log      *syslog.Logger
	fitting  config.Config          // the last one that the kernel was loaded with
	own      map[plan.TableKey]bool // the tables that we write
	loaded   []plan.Set             // the sets as last written, to write only changes
	loadedAt time.Time              // when a run had last loaded everything as they were written
}

// run subscribes before it looks for the first time, so that no change falls between, and goes on until ctx ends.
func (m *mirror) run(ctx context.Context, again <-chan os.Signal) error {
	events, err := iproute.Watch(ctx)
	if err != nil {
		return fmt.Errorf("watch routes: %w", err)
	}
	m.sync(ctx)
	m.followLinks(ctx)
	routes := burst{pause: 30 * time.Millisecond, limit: 300 * time.Millisecond}
	links := burst{pause: 3 * time.Millisecond, limit: 30 * time.Millisecond}
	for {
		select {
		case event, ok := <-events:
			if !ok {
				return nil
			}
			routes.noteIf(m.movesRoutes(event))
			links.noteIf(movesLinks(event))
		case <-again:
			m.loaded = nil
			m.sync(ctx)
		case <-routes.over:
			routes.end()
			m.sync(ctx)
		case <-links.over:
			links.end()
			m.followLinks(ctx)
		}
	}
}

// movesRoutes tells whether an event can change tables or sets. Our own writes go to the interfaces' tables and do not.
func (m *mirror) movesRoutes(event iproute.Event) bool {
	own := m.own[plan.TableKey{Family: event.Family, ID: event.Table}]
	return event.Kind == iproute.Overrun || event.Kind == iproute.RouteChange && event.Family == m.family && !own
}

// movesLinks tells whether an event can bring an interface up or down.
func movesLinks(event iproute.Event) bool {
	return event.Kind == iproute.Overrun || event.Kind == iproute.LinkChange || event.Kind == iproute.AddrChange
}

// sync looks again and writes what differs. An error is logged; the next change tries again.
func (m *mirror) sync(ctx context.Context) {
	if err := m.mirror(ctx); err != nil {
		m.log.Warn("%v", err)
	}
}

func (m *mirror) mirror(ctx context.Context) error {
	unlock, err := apply.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	record := apply.DefaultRecord()
	running, ok := record.Running()
	if !ok {
		m.loaded = nil
		return nil
	}
	cfg, ok, err := m.config(record)
	if !ok {
		return err
	}
	routing, err := iproute.Open()
	if err != nil {
		return err
	}
	defer routing.Close()
	in, err := survey.LookDeep(ctx, cfg, routing)
	if err != nil {
		return err
	}
	in.Network.Families = []network.Family{m.family}
	m.own = in.OwnTables()
	loader, err := setsOf(running)
	if err != nil {
		return err
	}
	if at := record.Loaded(); !at.Equal(m.loadedAt) {
		m.loaded, m.loadedAt = nil, at // the sets may be others by now
	}
	kernel := apply.Kernel{Routing: routing}
	return errors.Join(kernel.Tables(in.Tables(), in), m.loadSets(loader, in.Sets()))
}

// config reads the config that the kernel was loaded with: while there are changes that no reload has brought there, the
// last one that fits. Without any, there is nothing to do but to wait for that reload.
func (m *mirror) config(record apply.Record) (config.Config, bool, error) {
	fresh, _, err := survey.Config()
	if err == nil && record.Fits(plan.Inputs{Config: fresh}) {
		m.fitting = fresh
	}
	return m.fitting, record.Fits(plan.Inputs{Config: m.fitting}), err
}

// loadSets writes the sets if they differ from what was written last.
func (m *mirror) loadSets(loader setLoader, sets []plan.Set) error {
	if slices.EqualFunc(sets, m.loaded, plan.Set.Equal) {
		return nil
	}
	if err := loader.LoadSets(sets); err != nil {
		m.loaded = nil
		return err
	}
	m.loaded = sets
	return nil
}

// setLoader is the part of a backend that the mirror needs.
type setLoader interface {
	// LoadSets swaps the members of the connected and custom sets. It fails when the marking is not loaded.
	LoadSets([]plan.Set) error
}

// setsOf opens the sets of the backend that holds the marking.
func setsOf(running config.Backend) (setLoader, error) {
	if running == config.IPTables {
		return ipset.Loader{}, nil
	}
	return nft.Find()
}
