package remote

import (
	"context"
	"io"
	"strings"
	"sync"

	"e2e/lab"
)

// Job is a script to be run on the router.
type Job struct {
	Name     string
	Text     string // a txtar archive
	Backend  string
	Machine  bool // the router is a whole machine
	Patience int  // how many times longer all waiting takes
}

// Result is what became of a script.
type Result struct {
	Status string // pass, fail or skip
	Reason string // why it was skipped
}

// Guest is a router elsewhere in a world that was drawn in this process.
type Guest struct {
	peer  *peer
	ready chan struct{}
	ended sync.WaitGroup
}

// Serve answers the questions of the router at the other end of the channel, and writes its log, until the channel ends.
func Serve(conn io.ReadWriteCloser, w *lab.World, log io.Writer) *Guest {
	g := &Guest{ready: make(chan struct{}, 1)}
	methods := answers(w)
	methods["log"] = func(read func(any) error) (any, error) {
		var text string
		if err := read(&text); err != nil {
			return nil, err
		}
		return io.WriteString(log, text)
	}
	methods["ready"] = func(func(any) error) (any, error) {
		select {
		case g.ready <- struct{}{}:
		default: // nobody has asked about its last start
		}
		return nil, nil
	}
	g.peer = newPeer(conn, methods)
	g.ended.Go(func() { _ = g.peer.run() }) // who waits for an answer hears of the end
	return g
}

// Await waits until the router has started, for the first time or again, and gives its cards the names of the lab's
// devices: hardware address in lower case → lan1, guest0, wan0, wan1, …
func (g *Guest) Await(ctx context.Context, cards map[string]string) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-g.ready:
	}
	return g.peer.ask(ctx, "cards", cards, nil)
}

// Run runs a script on the router. A script that fails is not an error.
func (g *Guest) Run(ctx context.Context, job Job) (Result, error) {
	var result Result
	err := g.peer.ask(ctx, "script", job, &result)
	return result, err
}

// Reboot starts the router again: it is there when Await returns.
func (g *Guest) Reboot() error { return g.peer.tell("end", true) }

// PowerOff switches the router off.
func (g *Guest) PowerOff() error { return g.peer.tell("end", false) }

// Close ends the channel.
func (g *Guest) Close() error {
	err := g.peer.conn.Close()
	g.ended.Wait()
	return err
}

// Parts divides a script where its router reboots: what stands in the archive's files part2, part3, … goes on after a
// reboot each. Every part has all the files.
func Parts(text string) []string {
	script, files, _ := cutFiles(text)
	parts := []string{script + files}
	for _, name := range []string{"part2", "part3", "part4"} {
		if part, ok := file(files, name); ok {
			parts = append(parts, part+files)
		}
	}
	return parts
}

// cutFiles divides an archive into its comment, which is the script, and the files.
func cutFiles(text string) (script, files string, found bool) {
	at := strings.Index("\n"+text, "\n-- ")
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at:], true
}

// file finds a file in what cutFiles returns.
func file(files, name string) (string, bool) {
	_, rest, ok := strings.Cut("\n"+files, "\n-- "+name+" --\n")
	if !ok {
		return "", false
	}
	text, _, _ := cutFiles(rest)
	return text, true
}
