package main

import (
	"os"
	"slices"

	"github.com/vishvananda/netlink"

	"mwan3/config"
	"mwan3/plan"
)

// connectionTable is the file that flushes the connection table when "f" is written to it: a patch that OpenWrt's
// kernels have.
const connectionTable = "/proc/net/nf_conntrack"

// flushConntrack flushes the whole connection table if the interface's option flush_conntrack lists the event.
func (r *router) flushConntrack(event plan.Event) {
	iface, _ := r.cfg.Interface(event.Interface)
	if !slices.Contains(iface.FlushConntrack, config.Event(event.Action)) {
		return
	}
	if err := flushConnections(); err != nil {
		r.log.Warn("flush connection tracking for interface '%s': %v", event.Interface, err)
		return
	}
	r.log.Info("Connection tracking flushed for interface '%s' on action '%s'", event.Interface, event.Action)
}

// flushConnections uses OpenWrt's file, else netlink.
func flushConnections() error {
	file, err := os.OpenFile(connectionTable, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString("f")
		file.Close()
	}
	if err == nil {
		return nil
	}
	return netlink.ConntrackTableFlush(netlink.ConntrackTable)
}
