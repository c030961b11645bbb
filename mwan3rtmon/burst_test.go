package main

import (
	"testing"
	"time"
)

func TestABurstEndsWithItsPauseOrAtItsLimit(t *testing.T) {
	b := burst{pause: time.Hour, limit: 2 * time.Hour}
	if b.noteIf(false); b.over != nil {
		t.Error("what does not matter begins a burst")
	}
	b.noteIf(true)
	began := b.began
	b.noteIf(true)
	if b.began != began {
		t.Error("a further change begins the burst anew")
	}
	b = burst{pause: time.Hour, limit: time.Millisecond}
	b.noteIf(true)
	select {
	case <-b.over:
	case <-time.After(20 * time.Second):
		t.Fatal("a burst goes on beyond its limit")
	}
	if b.end(); b.over != nil {
		t.Error("an ended burst goes on")
	}
}
