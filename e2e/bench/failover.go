package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"e2e/probes"
)

// outcome is a scene with all its cuts: as many for each family.
type outcome struct {
	scene scene
	cuts  []cut
}

// measureFailover plays the scenes, one after the other, and prints the table.
func measureFailover(ctx context.Context, o options) error {
	if _, err := findScene(o.scene); err != nil && o.scene != "" {
		return err
	}
	var done []outcome
	before := machineLoad()
	for _, s := range scenes() {
		if o.scene != "" && o.scene != s.name {
			continue
		}
		cuts, err := s.play(ctx, o)
		if err != nil {
			return fmt.Errorf("scene %s: %w", s.name, err)
		}
		done = append(done, outcome{s, cuts})
	}
	printFailover(os.Stdout, o.backend, done)
	fmt.Printf("\nthe machine: %d processors, load average %s before, %s after\n\n", runtime.NumCPU(), before, machineLoad())
	return nil
}

// play shares a scene's cuts among its labs and collects them. When one lab fails the others end, too.
func (s scene) play(ctx context.Context, o options) ([]cut, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &collector{total: o.cuts, title: fmt.Sprintf("%s, interval %s s", s.title, seconds(s.pace.interval))}
	var all sync.WaitGroup
	faults := make([]error, min(s.labs, o.cuts))
	for i := range faults {
		share := o
		share.scene, share.cuts = s.name, (o.cuts+i)/len(faults)
		all.Go(func() {
			if faults[i] = c.collect(ctx, share); faults[i] != nil {
				cancel()
			}
		})
	}
	all.Wait()
	return c.cuts, errors.Join(faults...)
}

// collector takes the cuts of several labs.
type collector struct {
	title string
	total int // cuts, of both families at once

	mu   sync.Mutex
	cuts []cut
}

// collect runs one lab and takes its cuts.
func (c *collector) collect(ctx context.Context, o options) error {
	from, to := io.Pipe()
	var reader sync.WaitGroup
	var failed error
	reader.Go(func() {
		failed = c.take(json.NewDecoder(from))
		_ = from.CloseWithError(failed) // the lab's next line meets it
	})
	err := runLab(ctx, to, o.args("failover"))
	_ = to.Close()
	reader.Wait()
	return errors.Join(err, failed)
}

// take reads cuts until the end.
func (c *collector) take(in *json.Decoder) error {
	for {
		var cuts []cut
		err := in.Decode(&cuts)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what a lab tells: %w", err)
		}
		c.add(cuts)
	}
}

// add takes in one cut of both families, and tells of every tenth.
func (c *collector) add(cuts []cut) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cuts = append(c.cuts, cuts...)
	if done := len(c.cuts) / int(probes.Families); done%10 == 0 || done == c.total {
		fmt.Fprintf(os.Stderr, "%s: %d of %d cuts; the last took %.0f ms (IPv4), %.0f ms (IPv6)\n",
			c.title, done, c.total, ms(cuts[probes.V4].First), ms(cuts[probes.V6].First))
	}
}
