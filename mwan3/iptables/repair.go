package iptables

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// replace makes the table hold the ruleset. What the kernel or the tool refuses is left out, part by part, and named
// in the notes; the rest is loaded.
func (t tool) replace(rules ruleset, now table) (notes []string, err error) {
	for {
		b := rules.replace(now)
		err := t.load(b)
		if err == nil {
			return notes, nil
		}
		bad := t.blame(b, rules, err)
		if len(bad) == 0 {
			return notes, fmt.Errorf("load the %s marking: %w", t.family, err)
		}
		for _, part := range bad {
			rules = rules.without(part)
			notes = append(notes, fmt.Sprintf("%s (%s) left out: %s", part, t.family, reason(err)))
		}
	}
}

// reason is the refusal without the command.
func reason(err error) string {
	var refused *restoreError
	if errors.As(err, &refused) {
		return firstLine(refused.stderr)
	}
	return err.Error()
}

// blame names the parts of the plan for which a batch was refused: those on the lines that the error names, else
// those that are refused when they are tried alone.
func (t tool) blame(b *batch, rules ruleset, err error) []string {
	var refused *restoreError
	if !errors.As(err, &refused) {
		return nil
	}
	var bad []string
	seen := map[string]bool{"": true}
	for _, number := range lineNumbers(refused.stderr) {
		if part := b.part(number); !seen[part] {
			seen[part] = true
			bad = append(bad, part)
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return t.search(rules)
}

// lineNumbers finds the numbers after the word "line" in an error text: `Error occurred at line: 4`,
// `line 4 failed`, `line 4: RULE_APPEND failed`.
func lineNumbers(stderr string) []int {
	var numbers []int
	for rest := stderr; ; {
		_, after, found := strings.Cut(rest, "line")
		if !found {
			return numbers
		}
		rest = after
		digits := strings.TrimLeft(after, ": ")
		end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(digits)
		}
		if number, err := strconv.Atoi(digits[:end]); err == nil {
			numbers = append(numbers, number)
		}
	}
}

// search tries the parts of a ruleset in a chain that nothing jumps to, and returns those that are refused.
func (t tool) search(rules ruleset) []string {
	byPart := map[string][]entry{}
	var parts []string
	for _, e := range rules.entries {
		if e.part == "" {
			continue
		}
		if byPart[e.part] == nil {
			parts = append(parts, e.part)
		}
		byPart[e.part] = append(byPart[e.part], e)
	}
	defer t.forget()
	return t.bisect(parts, byPart)
}

func (t tool) bisect(parts []string, byPart map[string][]entry) []string {
	var list []entry
	for _, part := range parts {
		list = append(list, byPart[part]...)
	}
	switch {
	case t.try(list) == nil:
		return nil
	case len(parts) == 1:
		return parts
	}
	middle := len(parts) / 2
	return append(t.bisect(parts[:middle], byPart), t.bisect(parts[middle:], byPart)...)
}

// try loads rules into the test chain. Jumps to our chains become RETURN: it is the rules that are tried.
func (t tool) try(list []entry) error {
	b := newBatch()
	b.empty(testChain)
	for _, e := range list {
		e.chain = testChain
		if isOurs(e.target) {
			e.target = "RETURN"
		}
		b.entries([]entry{e})
	}
	return t.load(b)
}

// forget deletes the test chain. If that fails the next load does it.
func (t tool) forget() {
	b := newBatch()
	b.drop([]string{testChain}, nil)
	_ = t.load(b)
}
