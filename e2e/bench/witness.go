package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"e2e/inotify"
	"e2e/lab"
	"e2e/probes"
)

// Where the programs keep what they know.
const (
	trackDir = "/var/run/mwan3track/"
	stateDir = "/var/run/mwan3/iface_state/"
	changing = "/var/run/mwan3/changing" // exists while mwan3 is at work
)

// ifaces are the names of an uplink's interfaces.
type ifaces [probes.Families]string

// witness sees what the programs do without asking them: a tracker replaces its file STATUS, the kernel has a new
// generation of nftables.
type witness struct {
	ifaces  ifaces
	files   *inotify.Watch
	netlink *os.File
	over    sync.WaitGroup

	mu      sync.Mutex
	offline [probes.Families]time.Time // when STATUS said so first
	loads   []time.Time                // of nftables rules, by any program
}

// newWitness begins to look. The trackers must have made their directories.
func newWitness(router *lab.Node, ifaces ifaces) (*witness, error) {
	w := &witness{ifaces: ifaces}
	err := router.Do(func() error { return errors.Join(w.watchFiles(), w.watchLoads()) })
	if err != nil {
		return nil, err
	}
	w.over.Go(func() { w.files.Read(w.noteFile) })
	w.over.Go(w.readLoads)
	return w, nil
}

// close ends the looking.
func (w *witness) close() {
	_, _ = w.files.Close(), w.netlink.Close()
	w.over.Wait()
}

func (w *witness) watchFiles() (err error) {
	w.files, err = inotify.New(unix.IN_MOVED_TO|unix.IN_CLOSE_WRITE, trackDir+w.ifaces[probes.V4], trackDir+w.ifaces[probes.V6])
	return err
}

func (w *witness) watchLoads() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("watch nftables: %w", err)
	}
	w.netlink = os.NewFile(uintptr(fd), "netlink")
	group := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.NFNLGRP_NFTABLES - 1)}
	if err := unix.Bind(fd, group); err != nil {
		return fmt.Errorf("watch nftables: %w", err)
	}
	return nil
}

// noteFile notes that a file of a tracker is a new one.
func (w *witness) noteFile(dir, name string) {
	now := time.Now()
	if name != "STATUS" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for f, iface := range w.ifaces {
		if dir == trackDir+iface && w.offline[f].IsZero() && readWord(dir+"/STATUS") == "offline" {
			w.offline[f] = now
		}
	}
}

// readLoads notes new generations of nftables until the socket is closed. Messages that did not fit are lost; the next
// is a later generation.
func (w *witness) readLoads() {
	const newGeneration = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN
	buffer := make([]byte, 1<<16)
	for {
		n, err := w.netlink.Read(buffer)
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
		now := time.Now()
		messages, _ := syscall.ParseNetlinkMessage(buffer[:max(n, 0)]) // the rest of one that was cut off
		for _, m := range messages {
			if m.Header.Type == newGeneration {
				w.noteLoad(now)
			}
		}
	}
}

func (w *witness) noteLoad(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads = append(w.loads, at)
}

// forget begins anew.
func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offline, w.loads = [probes.Families]time.Time{}, nil
}

// account tells when an interface was written down as offline, and when nftables was loaded last between that and a moment:
// zero if it was not seen. An earlier load was for the other family.
func (w *witness) account(f probes.Family, before time.Time) (offline, loaded time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.loads {
		if at.After(w.offline[f]) && at.Before(before) {
			loaded = at
		}
	}
	return w.offline[f], loaded
}

// readWord reads a file of one word; it is empty when there is none.
func readWord(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}
