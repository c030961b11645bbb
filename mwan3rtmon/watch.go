package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"mwan3/iproute"
	"mwan3/network"
	"mwan3/syslog"
	"mwan3/ubus"
)

// watcher has one family's tables and sets kept as the plan wants them.
type watcher struct {
	family network.Family
	log    *syslog.Logger
	own    map[int]bool // the tables that mwan3 writes
	mirror func(context.Context, network.Family) (tables []int, err error)
}

func newWatcher(family network.Family, log *syslog.Logger) *watcher {
	return &watcher{family: family, log: log, mirror: mirror}
}

// run subscribes before it has mwan3 look for the first time, so that no change falls between, and goes on until ctx ends.
func (w *watcher) run(ctx context.Context, again <-chan os.Signal) error {
	events, err := iproute.Watch(ctx)
	if err != nil {
		return fmt.Errorf("watch routes: %w", err)
	}
	w.look(ctx)
	routes := burst{pause: 30 * time.Millisecond, limit: 300 * time.Millisecond}
	links := burst{pause: 3 * time.Millisecond, limit: 30 * time.Millisecond}
	for {
		select {
		case event, ok := <-events:
			if !ok {
				return nil
			}
			routes.noteIf(w.movesRoutes(event))
			links.noteIf(movesLinks(event) && !hasNetifd())
		case <-again:
			w.look(ctx)
		case <-routes.over:
			routes.end()
			w.look(ctx)
		case <-links.over:
			links.end()
			w.look(ctx)
		}
	}
}

// movesRoutes tells whether an event can change tables or sets. What mwan3 writes goes to the interfaces' tables and does not.
func (w *watcher) movesRoutes(event iproute.Event) bool {
	return event.Kind == iproute.Overrun ||
		event.Kind == iproute.RouteChange && event.Family == w.family && !w.own[event.Table]
}

// movesLinks tells whether an event can bring an interface up or down. Where there is netifd, that says so itself.
func movesLinks(event iproute.Event) bool {
	return event.Kind == iproute.Overrun || event.Kind == iproute.LinkChange || event.Kind == iproute.AddrChange
}

func hasNetifd() bool {
	for _, path := range ubus.Sockets {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			return true
		}
	}
	return false
}

// look has mwan3 look. An error is logged; the next change tries again.
func (w *watcher) look(ctx context.Context) {
	tables, err := w.mirror(ctx, w.family)
	if err != nil && ctx.Err() == nil {
		w.log.Warn("%v", err)
	}
	if tables == nil {
		return
	}
	w.own = map[int]bool{}
	for _, table := range tables {
		w.own[table] = true
	}
}
