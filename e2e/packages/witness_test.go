package packages

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"e2e/lab"
)

// A new connection is begun every beat, whatever becomes of those before. What is on its way when a marking comes or goes can
// lose its address, so each is tried anew until the time is over.
const (
	beat    = 10 * time.Millisecond
	one     = 1500 * time.Millisecond // a try, with a retransmission
	lasting = 10 * time.Second
)

// secondPort is what the config sends through wanb alone; the rest is balanced.
const secondPort = 5000

// witness makes new connections from a client through the router, one after the other, and notes what becomes of them.
type witness struct {
	lab  *lab.Lab
	stop chan struct{}
	all  sync.WaitGroup

	mu      sync.Mutex
	asked   int
	again   int // that took another try
	astray  int // to secondPort, that did not go through wanb
	longest time.Duration
	lost    []string
}

// watch begins.
func watch(l *lab.Lab) *witness {
	w := &witness{lab: l, stop: make(chan struct{})}
	w.all.Add(1)
	go w.run()
	return w
}

func (w *witness) run() {
	defer w.all.Done()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for i := 0; ; i++ {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
		}
		to := targets()[i%len(targets())]
		w.all.Go(func() { w.connect(to) })
	}
}

func targets() []netip.AddrPort {
	four, six := netip.MustParseAddr("198.51.100.10"), netip.MustParseAddr("2001:db8:51::10")
	return []netip.AddrPort{
		netip.AddrPortFrom(four, 80), netip.AddrPortFrom(six, secondPort),
		netip.AddrPortFrom(four, secondPort), netip.AddrPortFrom(six, 80),
	}
}

func (w *witness) connect(to netip.AddrPort) {
	begin, tries := time.Now(), 0
	var via string
	var err error
	for time.Since(begin) < lasting {
		tries++
		if via, err = w.lab.Client1.Ask("tcp", to, one); err == nil {
			break
		}
	}
	w.note(to, via, err, tries, time.Since(begin))
}

func (w *witness) note(to netip.AddrPort, via string, err error, tries int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	w.longest = max(w.longest, took)
	if tries > 1 {
		w.again++
	}
	if to.Port() == secondPort && via != "isp2" {
		w.astray++
	}
	if err != nil || !strings.HasPrefix(via, "isp") {
		w.lost = append(w.lost, fmt.Sprintf("to %s: %q, %v after %s", to, via, err, took.Round(time.Millisecond)))
	}
}

// seen is how many connections have ended, one way or the other.
func (w *witness) seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// end waits for some more connections, and for what becomes of all.
func (w *witness) end(r *router, what string) {
	r.t.Helper()
	enough := w.seen() + 2*len(targets())
	r.must(what+": connections go on", func() error {
		if w.seen() < enough {
			return failed("%d of %d", w.seen(), enough)
		}
		return nil
	})
	close(w.stop)
	w.all.Wait()
	r.t.Logf("%s: %d connections, the longest took %s, %d at another try, %d not by their policy", what, w.asked,
		w.longest.Round(time.Millisecond), w.again, w.astray)
	if len(w.lost) > 0 {
		r.t.Errorf("%s: %d connections had no way out:\n%s", what, len(w.lost), strings.Join(slices.Compact(w.lost), "\n"))
	}
}

// undisturbed is end for a change that no connection may notice.
func (w *witness) undisturbed(r *router, what string) {
	r.t.Helper()
	w.end(r, what)
	if w.again > 0 || w.astray > 0 || w.longest > time.Second {
		r.t.Errorf("%s: connections have noticed", what)
	}
}
