package nft

import (
	"runtime"
	"strings"
	"syscall"
	"testing"

	"mwan3/emulation"
	"mwan3/plan"
)

// alone moves the test into a network namespace of its own, which ends with it. Subtests need one each: they run on
// other threads.
func alone(t testing.TB) *Backend {
	t.Helper()
	emulation.NeedsKernel(t)
	runtime.LockOSThread() // never unlocked: the thread, and the namespace with it, ends with the goroutine
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Fatalf("make a network namespace (tests need root): %v", err)
	}
	b, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// load loads a plan of which nothing has to be left out, or whose text says what is.
func load(t testing.TB, b interface {
	Load(plan.Marking, []plan.Set) ([]string, error)
}, m plan.Marking, sets []plan.Set) {
	t.Helper()
	_, err := b.Load(m, sets)
	must(t, err)
}

// command has nft do one command.
func command(t testing.TB, b *Backend, text string) {
	t.Helper()
	must(t, b.load(text+"\n"))
}

// listing is our table as nft lists it, without what counts and what expires.
func listing(t testing.TB, b *Backend) string {
	t.Helper()
	text, err := b.list("list", "table", "inet", "mwan3")
	must(t, err)
	return masked(text)
}

// masked hides counters and expiry times.
func masked(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if i > 0 && (words[i-1] == "packets" || words[i-1] == "bytes" || words[i-1] == "expires") {
			words[i] = "N" + strings.TrimLeft(word, "0123456789smhd")
		}
	}
	return strings.Join(words, " ")
}
