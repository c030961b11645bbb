package main

import (
	"slices"

	"mwan3/config"
	"mwan3/conntrack"
	"mwan3/plan"
)

// flushConntrack flushes the whole connection table if the interface's option flush_conntrack lists the event.
func (r *router) flushConntrack(iface config.Interface, action plan.Action) {
	if !slices.Contains(iface.FlushConntrack, config.Event(action)) {
		return
	}
	if err := conntrack.Flush(); err != nil {
		r.log.Warn("flush connection tracking for interface '%s': %v", iface.Name, err)
		return
	}
	r.log.Info("Connection tracking flushed for interface '%s' on action '%s'", iface.Name, action)
}
