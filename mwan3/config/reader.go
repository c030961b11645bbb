package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mwan3/uci"
)

// most is the highest number of anything that has no limit of its own.
const most = 1_000_000

// reader reads the options of one section, collects what is wrong with them and knows which ones were asked for.
type reader struct {
	section uci.Section
	index   int // of the section
	known   map[string]bool
	faults  *[]placed
}

// fault reports what would be right for the option, or for the section when the option's name is empty.
func (r *reader) fault(name, want string) {
	f := Fault{Pos: r.section.Pos, Section: r.section.Name, Option: name, Want: want}
	if o, ok := r.section.Option(name); ok {
		f.Pos, f.Value = o.Pos(), joined(o)
	}
	r.add(f)
}

// faultIn reports one value of a list.
func (r *reader) faultIn(name string, v uci.Value, want string) {
	r.add(Fault{Pos: v.Pos, Section: r.section.Name, Option: name, Value: v.Text, Want: want})
}

func (r *reader) add(f Fault) {
	place := slices.IndexFunc(r.section.Options, func(o uci.Option) bool { return o.Name == f.Option })
	*r.faults = append(*r.faults, placed{f, r.index, place})
}

// ignore lists options of former versions, which routers still have.
func (r *reader) ignore(names ...string) {
	for _, name := range names {
		r.known[name] = true
	}
}

// unknown reports an option, or the section, that nobody reads.
func (r *reader) unknown(name, want string) {
	r.fault(name, want)
	(*r.faults)[len(*r.faults)-1].fault.Unknown = true
}

// unknownOptions reports the options that nobody asked for.
func (r *reader) unknownOptions() {
	for _, o := range r.section.Options {
		if !r.known[o.Name] {
			r.unknown(o.Name, fmt.Sprintf("unknown option of %s sections; it is not read", r.section.Type))
		}
	}
}

// text returns the option's value without blanks around it, empty when it is not set.
func (r *reader) text(name string) string {
	r.known[name] = true
	o, ok := r.section.Option(name)
	if !ok {
		return ""
	}
	return strings.TrimSpace(joined(o))
}

// joined is how the shell sees a list where a single value belongs.
func joined(o uci.Option) string {
	texts := make([]string, len(o.Values))
	for i, v := range o.Values {
		texts[i] = v.Text
	}
	return strings.Join(texts, " ")
}

// list returns the option's values; a plain option is a list of one. Empty values do not count.
func (r *reader) list(name string) []uci.Value {
	r.known[name] = true
	o, _ := r.section.Option(name)
	var values []uci.Value
	for _, v := range o.Values {
		if v.Text = strings.TrimSpace(v.Text); v.Text != "" {
			values = append(values, v)
		}
	}
	return values
}

// choice returns one of the words, the first if the option is not set or is something else.
func (r *reader) choice(name string, words ...string) string {
	text := r.text(name)
	if text == "" || slices.Contains(words, text) {
		return first(text, words[0])
	}
	r.fault(name, fmt.Sprintf("one of %s; using %s", strings.Join(words, ", "), words[0]))
	return words[0]
}

// boolean returns what the option says in one of UCI's words, false if it is not set or says something else.
func (r *reader) boolean(name string) bool {
	switch r.text(name) {
	case "1", "on", "true", "yes", "enabled":
		return true
	case "", "0", "off", "false", "no", "disabled":
		return false
	}
	r.fault(name, "1 or 0; using 0")
	return false
}

// one tells whether the option is the number 1, for options in which upstream knows no other word for yes.
func (r *reader) one(name string) bool {
	switch r.text(name) {
	case "1":
		return true
	case "", "0":
		return false
	}
	r.fault(name, "1 or 0, no other word; using 0")
	return false
}

// limits are those of a number, both included, and its default.
type limits struct{ low, high, fallback int }

// number returns a whole number within the limits.
func (r *reader) number(name string, l limits) int {
	text := r.text(name)
	if text == "" {
		return l.fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < l.low || n > l.high {
		r.fault(name, fmt.Sprintf("a whole number from %d to %d; using %d", l.low, l.high, l.fallback))
		return l.fallback
	}
	return n
}

// span is limits for a time.
type span struct{ low, high, fallback time.Duration }

// duration returns a time within the span. The option says seconds, or has a unit.
func (r *reader) duration(name string, s span) time.Duration {
	text := r.text(name)
	if text == "" {
		return s.fallback
	}
	d, ok := parseDuration(text)
	if !ok || d < s.low || d > s.high {
		r.fault(name, fmt.Sprintf("seconds from %s to %s, such as 10, 0.5, 200ms or 2m; using %s",
			seconds(s.low), seconds(s.high), seconds(s.fallback)))
		return s.fallback
	}
	return d
}

// parseDuration reads 10, 0.2, 200ms, 1.5s, 2m.
func parseDuration(text string) (time.Duration, bool) {
	if strings.Trim(text, "0123456789.") == "" {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// isWord tells whether the text has only ASCII letters, digits and the given characters, and at least one.
func isWord(text, others string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return text != ""
}
