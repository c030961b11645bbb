package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// screen shows the chart and the story. On a terminal the chart moves under the story; elsewhere a piece of chart is
// printed whenever a line is full.
type screen struct {
	out   io.Writer
	moves bool
	width int // columns of the chart

	mu      sync.Mutex
	chart   *chart
	story   []string // lines to print above the chart
	drawn   int      // lines of the chart on the terminal
	printed int      // columns printed, where nothing moves
}

// newScreen looks at what kind of output there is. An ordinary width of 80 is enough.
func newScreen(out *os.File) *screen {
	s := &screen{out: out, width: 64}
	size, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ)
	s.moves = err == nil && os.Getenv("TERM") != "dumb"
	if s.moves && size.Col > 0 {
		s.width = max(10, min(s.width, int(size.Col)-16))
	}
	return s
}

// style tells whether colors are wanted.
func (s *screen) style() style { return style(s.moves && os.Getenv("NO_COLOR") == "") }

// say adds a line to the story.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	s.story = append(s.story, fmt.Sprintf(format, args...))
	s.mu.Unlock()
	if s.chart == nil || !s.moves {
		s.draw(false)
	}
}

// run draws until ctx ends.
func (s *screen) run(ctx context.Context) {
	tick := time.NewTicker(column)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.draw(true)
			return
		case <-tick.C:
			s.draw(false)
		}
	}
}

// draw shows what is new.
func (s *screen) draw(last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA\x1b[J", s.drawn)
	}
	for _, line := range s.story {
		text.WriteString(line + "\n")
	}
	s.story, s.drawn = nil, 0
	switch {
	case s.chart == nil:
	case s.moves:
		s.drawMoving(&text)
	default:
		s.drawPiece(&text, last)
	}
	_, _ = io.WriteString(s.out, text.String()) // there is nobody to complain to
}

// drawMoving draws the newest columns.
func (s *screen) drawMoving(text *strings.Builder) {
	now := s.chart.columns()
	rows := append([]string{""}, s.chart.rows(max(0, now-s.width), now)...)
	rows = append(rows, "")
	for _, row := range rows {
		text.WriteString(row + "\n")
	}
	s.drawn = len(rows)
}

// drawPiece prints the columns that are over when they fill a line. Those of the last second may still change.
func (s *screen) drawPiece(text *strings.Builder, last bool) {
	over := s.chart.columns()
	if !last {
		over -= int((patience + column) / column)
	}
	if over-s.printed < s.width && !(last && over > s.printed) {
		return
	}
	to := min(over, s.printed+s.width)
	fmt.Fprintf(text, "\n  from %s s on\n", seconds(time.Duration(s.printed)*column))
	for _, row := range s.chart.rows(s.printed, to) {
		text.WriteString(row + "\n")
	}
	text.WriteString("\n")
	s.printed = to
}

// seconds writes a duration in seconds with two decimals.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
