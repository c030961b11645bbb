package main

import (
	"context"
	"sync"

	"mwan3/hotplug"
)

// herald tells everybody what happened, one event after the other. The tracker does not wait for it: the scripts that
// hear of an event may take minutes, and what policies need was applied before.
type herald struct {
	call   func(hotplug.Event) error
	failed chan error // what went wrong, for the log

	mu    sync.Mutex
	queue []hotplug.Event
	some  chan struct{} // receives when the queue has become longer
}

func newHerald(call func(hotplug.Event) error) *herald {
	return &herald{call: call, failed: make(chan error), some: make(chan struct{}, 1)}
}

// tell queues an event.
func (h *herald) tell(event hotplug.Event) {
	h.mu.Lock()
	h.queue = append(h.queue, event)
	h.mu.Unlock()
	select {
	case h.some <- struct{}{}:
	default:
	}
}

// run tells events until ctx ends. One that is being told then goes on by itself.
func (h *herald) run(ctx context.Context) {
	for {
		select {
		case <-h.some:
		case <-ctx.Done():
			return
		}
		for event, ok := h.next(); ok && ctx.Err() == nil; event, ok = h.next() {
			if err := h.call(event); err != nil {
				select {
				case h.failed <- err:
				case <-ctx.Done():
				}
			}
		}
	}
}

func (h *herald) next() (hotplug.Event, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return hotplug.Event{}, false
	}
	event := h.queue[0]
	h.queue = h.queue[1:]
	return event, true
}
