package main

import "time"

// burst is a row of changes that are answered together: a routing daemon that starts, a device that comes up with all
// its addresses. It is over when it pauses, or when it has lasted so long that a user would notice the delay.
type burst struct {
	pause, limit time.Duration
	began        time.Time
	over         <-chan time.Time // receives when the burst is over; nil when there is none
}

// noteIf notes one more change if it matters.
func (b *burst) noteIf(matters bool) {
	if !matters {
		return
	}
	now := time.Now()
	if b.over == nil {
		b.began = now
	}
	b.over = time.After(min(b.pause, b.limit-now.Sub(b.began)))
}

// end forgets the burst.
func (b *burst) end() { b.over = nil }
