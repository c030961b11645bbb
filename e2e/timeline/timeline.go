// Package timeline draws what happened around one failover: the probes on the wire, the verdict, the change of the marking and
// the new connections, on one axis of time. It only draws; who has watched tells it what there was to see.
package timeline

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// Failover is what was seen. All times are counted from the moment at which the provider failed; those before are negative.
type Failover struct {
	Title       string
	Probes      []Probe      // of the interface that fails, in the order of their sending
	Connections []Connection // new ones, from the LAN, in the order of their beginnings
	Moments     []Moment     // in order
}

// Probe is a question of the tracker to a target.
type Probe struct {
	Sent     time.Duration
	Answered bool
}

// Connection is an attempt at a new connection.
type Connection struct {
	Begun, Ended time.Duration
	Via          string // the provider that carried it; empty if it failed
}

// Moment is something that happened once.
type Moment struct {
	At   time.Duration
	Text string
}

// The measures of the picture, in pixels.
const (
	left, right = 130, 40 // margins, the left one for the names of the rows
	plot        = 830     // width of what lies between them
	top         = 60      // above the rows
	row         = 56
	caption     = 18 // height of a moment's line of text
)

// colors are those of the providers, in the order in which they first carry a connection; then of what failed.
var colors = [...]string{"#2a78b5", "#2f9e44", "#8e5bb5"}

const (
	bad  = "#d6336c"
	good = "#495057"
)

// SVG draws the picture.
func (f Failover) SVG() string {
	p := picture{scale: f.scale()}
	height := top + 2*row + 40 + caption*(len(f.Moments)+1)
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`, left+plot+right, height)
	p.add(`<rect width="100%%" height="100%%" fill="white"/>`)
	p.text(left, 28, "bold", f.Title)
	p.axis(top, top+2*row)
	p.probes(top+row/2, f.Probes)
	p.connections(top+row+row/2, f.Connections)
	p.moments(top, top+2*row+40, f.Moments)
	p.add(`</svg>`)
	return p.out.String()
}

// scale is the span of time of a picture.
type scale struct{ from, to time.Duration }

// scale spans everything that was seen.
func (f Failover) scale() scale {
	s := scale{to: time.Millisecond}
	see := func(at time.Duration) { s.from, s.to = min(s.from, at), max(s.to, at) }
	for _, p := range f.Probes {
		see(p.Sent)
	}
	for _, c := range f.Connections {
		see(c.Begun)
		see(c.Ended)
	}
	for _, m := range f.Moments {
		see(m.At)
	}
	return s
}

// x is where a moment lies.
func (s scale) x(at time.Duration) float64 {
	return left + plot*float64(at-s.from)/float64(s.to-s.from)
}

// picture is a drawing under way.
type picture struct {
	scale
	out strings.Builder
}

func (p *picture) add(format string, args ...any) {
	fmt.Fprintf(&p.out, format+"\n", args...)
}

func (p *picture) text(x, y float64, weight, text string) {
	p.add(`<text x="%.1f" y="%.1f" font-weight="%s">%s</text>`, x, y, weight, html.EscapeString(text))
}

// axis draws lines at round times, about eight of them.
func (p *picture) axis(from, to float64) {
	step := stepFor(p.to - p.from)
	for at := p.from.Truncate(step); at <= p.to; at += step {
		if at < p.from {
			continue
		}
		x := p.x(at)
		p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#e9ecef"/>`, x, from-8, x, to)
		p.add(`<text x="%.1f" y="%.1f" text-anchor="middle" fill="#868e96" font-size="11">%s</text>`, x, from-14, seconds(at))
	}
}

// stepFor returns a round step that divides a span into four to ten parts.
func stepFor(span time.Duration) time.Duration {
	for step := time.Millisecond; ; step *= 10 {
		for _, times := range [...]time.Duration{1, 2, 5} {
			if span <= 10*times*step {
				return times * step
			}
		}
	}
}

func seconds(d time.Duration) string {
	return strings.TrimSuffix(fmt.Sprintf("%.3f", d.Seconds()), "00") + " s"
}

func (p *picture) probes(y float64, probes []Probe) {
	p.text(10, y+5, "normal", "probes")
	for _, probe := range probes {
		color := good
		if !probe.Answered {
			color = bad
		}
		x := p.x(probe.Sent)
		p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`, x, y-10, x, y+10, color)
	}
}

// connections draws a bar from the beginning of each to its answer or its end, in two heights: many are under way at once.
func (p *picture) connections(y float64, connections []Connection) {
	p.text(10, y+5, "normal", "new connections")
	color, ways := map[string]string{}, 0
	for i, c := range connections {
		if _, known := color[c.Via]; !known {
			meaning := "no answer"
			if color[c.Via] = bad; c.Via != "" {
				color[c.Via], meaning = colors[ways%len(colors)], "via "+html.EscapeString(c.Via)
				ways++
			}
			p.add(`<text x="10" y="%.1f" font-size="11" fill="%s">%s</text>`, y+5+13*float64(len(color)), color[c.Via], meaning)
		}
		x := p.x(c.Begun)
		p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="8" fill="%s" fill-opacity="0.8"/>`,
			x, y-12+float64(i%2*12), max(2, p.x(c.Ended)-x), color[c.Via])
	}
}

// moments draws a line through the rows for each, and says below what it is.
func (p *picture) moments(from, y float64, moments []Moment) {
	for i, m := range moments {
		x := p.x(m.At)
		line := y + caption*float64(i)
		anchor, at := "start", x+6
		if x > left+plot/2 {
			anchor, at = "end", x-6
		}
		p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#212529" stroke-dasharray="3 3"/>`, x, from, x, line)
		p.add(`<circle cx="%.1f" cy="%.1f" r="3" fill="#212529"/>`, x, line-4)
		p.add(`<text x="%.1f" y="%.1f" text-anchor="%s">%s %s</text>`, at, line, anchor, seconds(m.At), html.EscapeString(m.Text))
	}
}
