package main

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"e2e/lab"
)

// The pace of the measurement. A connection that is not answered in time counts as lost; patience is below the
// second after which a client repeats its first packet, so none is counted as saved by a repetition.
const (
	every    = 50 * time.Millisecond
	patience = 800 * time.Millisecond
)

// sample is one new connection.
type sample struct {
	begun, ended time.Time // ended is zero while nothing has come back
	isp          string    // who carried it; empty if it was lost
}

// sampler goes on making new connections from one node to one target.
type sampler struct {
	node   *lab.Node
	target netip.AddrPort

	mu      sync.Mutex
	samples []sample
}

// run samples until ctx ends, and returns when the last connection is over.
func (s *sampler) run(ctx context.Context) {
	var open sync.WaitGroup
	defer open.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			open.Go(s.connect)
		}
	}
}

func (s *sampler) connect() {
	s.mu.Lock()
	i := len(s.samples)
	s.samples = append(s.samples, sample{begun: time.Now()})
	s.mu.Unlock()
	isp, _ := s.node.Ask("tcp", s.target, patience) // an error is a lost connection
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples[i].ended, s.samples[i].isp = time.Now(), isp
}

// between returns the connections begun in [from, to).
func (s *sampler) between(from, to time.Time) []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []sample
	for _, one := range s.samples {
		if !one.begun.Before(from) && one.begun.Before(to) {
			found = append(found, one)
		}
	}
	return found
}

// change tells when the first connection begun after the moment was answered through isp.
func (s *sampler) change(moment time.Time, isp string) (time.Duration, bool) {
	var first time.Duration
	found := false
	for _, one := range s.between(moment, time.Now()) {
		if one.isp != isp {
			continue
		}
		if took := one.ended.Sub(moment); !found || took < first {
			first, found = took, true
		}
	}
	return first, found
}

// settled tells whether the last connections, at least n, all went through isp.
func (s *sampler) settled(isp string, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := 0
	for i := len(s.samples) - 1; i >= 0 && seen < n; i-- {
		switch one := s.samples[i]; {
		case one.ended.IsZero():
		case one.isp == isp:
			seen++
		default:
			return false
		}
	}
	return seen == n
}
