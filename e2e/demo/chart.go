package main

import (
	"strings"
	"time"
)

// uplink is one of the three.
type uplink struct{ iface, device, isp, color string }

func uplinks() []uplink {
	return []uplink{
		{"wan", "wan0", "isp1", "32"},
		{"wanb", "wan1", "isp2", "36"},
		{"wanc", "wan2", "isp3", "35"},
	}
}

const picture = `
  client1 ─┐                   ┌─ wan  ── isp1 ─┐
           ├─ br-lan ─ router ─┼─ wanb ── isp2 ─┼─ internet
  client2 ─┘                   └─ wanc ── isp3 ─┘
`

// chart is everything that the demo has seen.
type chart struct {
	start   time.Time
	watcher *watcher
	v4, v6  *sampler
	style   style
}

// style writes colors, or not.
type style bool

func (s style) paint(color, text string) string {
	if !s {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// columns tells how many columns have passed.
func (c *chart) columns() int { return int(time.Since(c.start) / column) }

// rows draws the columns from…to: what comes through each uplink, and where new connections go.
func (c *chart) rows(from, to int) []string {
	var rows []string
	for _, u := range uplinks() {
		label := pad(u.iface, 5) + u.isp
		rows = append(rows, "  "+pad(label, 12)+c.answers(u, from, to))
	}
	return append(rows,
		"  "+pad("new IPv4", 12)+c.connections(c.v4, from, to),
		"  "+pad("new IPv6", 12)+c.connections(c.v6, from, to))
}

// answers draws one uplink: full blocks while both families come through, half ones for one of them.
func (c *chart) answers(u uplink, from, to int) string {
	var row strings.Builder
	for i := from; i < to; i++ {
		switch both, seen := c.watcher.at(u.device, i); {
		case !seen:
			row.WriteString(" ")
		case both[0] && both[1]:
			row.WriteString(c.style.paint(u.color, "█"))
		case both[0]:
			row.WriteString(c.style.paint(u.color, "▀"))
		case both[1]:
			row.WriteString(c.style.paint(u.color, "▄"))
		default:
			row.WriteString(c.style.paint("31", "·"))
		}
	}
	return row.String()
}

// connections draws the numbers of the providers that carried the new connections of each column; × if one was lost.
func (c *chart) connections(s *sampler, from, to int) string {
	var row strings.Builder
	for i := from; i < to; i++ {
		begin := c.start.Add(time.Duration(i) * column)
		row.WriteString(c.cell(s.between(begin, begin.Add(column))))
	}
	return row.String()
}

func (c *chart) cell(samples []sample) string {
	cell := " "
	for _, one := range samples {
		if one.ended.IsZero() {
			continue
		}
		if one.isp == "" {
			return c.style.paint("31;1", "×")
		}
		for _, u := range uplinks() {
			if u.isp == one.isp {
				cell = c.style.paint(u.color, strings.TrimPrefix(u.isp, "isp"))
			}
		}
	}
	return cell
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-len([]rune(text))))
}
