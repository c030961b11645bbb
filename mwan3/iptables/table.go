package iptables

import (
	"strings"
)

// table is what iptables -S says about the table mangle, as far as it concerns us.
type table struct {
	chains []string            // ours, in its order
	hooks  map[string]int      // built-in chain → how many plain jumps to mwan3_hook it has
	kept   map[string]bool     // chains of ours that rules of others jump to
	rules  map[string][]string // our chains' rules, without "-A <chain> "
}

// parseTable reads the output of iptables -t mangle -S.
func parseTable(text string) table {
	t := table{hooks: map[string]int{}, kept: map[string]bool{}, rules: map[string][]string{}}
	for _, line := range strings.Split(text, "\n") {
		command, rest, _ := strings.Cut(line, " ")
		chain, rule, _ := strings.Cut(rest, " ")
		switch {
		case command == "-N" && isOurs(chain):
			t.chains = append(t.chains, chain)
		case command == "-A" && isOurs(chain):
			t.rules[chain] = append(t.rules[chain], rule)
		case command == "-A":
			t.foreign(chain, rule)
		}
	}
	return t
}

func isOurs(chain string) bool { return strings.HasPrefix(chain, ours) }

// foreign notes what a rule in another chain has to do with us.
func (t *table) foreign(chain, rule string) {
	if rule == "-j "+hookChain && (chain == "PREROUTING" || chain == "OUTPUT") {
		t.hooks[chain]++
		return
	}
	if target := targetOf(rule); isOurs(target) {
		t.kept[target] = true
	}
}

// targetOf returns the chain or target that a rule of iptables -S jumps or goes to; empty if none.
func targetOf(rule string) string {
	words := splitWords(rule)
	for i := 0; i+1 < len(words); i++ {
		if words[i] == "-j" || words[i] == "-g" {
			return words[i+1]
		}
	}
	return ""
}

// optionOf returns the word after an option of a rule of iptables -S, and whether the rule has it.
func optionOf(rule, option string) (string, bool) {
	words := splitWords(rule)
	for i := 0; i+1 < len(words); i++ {
		if words[i] == option {
			return words[i+1], true
		}
	}
	return "", false
}

// splitWords splits a rule of iptables -S at its blanks; quote's quotes and backslashes are taken off.
func splitWords(rule string) []string {
	var words []string
	var word strings.Builder
	inWord, quoted, escaped := false, false, false
	for _, r := range rule {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			inWord, quoted = true, !quoted
		case r == ' ' && !quoted:
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}

// batch is the input of one iptables-restore --noflush: either all of it happens or nothing.
type batch struct {
	lines []string
	parts []string // what each line stands for; empty = it cannot be left out
}

func newBatch() *batch {
	b := &batch{}
	b.add("*mangle")
	return b
}

func (b *batch) add(lines ...string) {
	for _, line := range lines {
		b.lines = append(b.lines, line)
		b.parts = append(b.parts, "")
	}
}

// empty makes the chain, or flushes it if it is there.
func (b *batch) empty(chain string) { b.add(":" + chain + " - [0:0]") }

func (b *batch) entries(list []entry) {
	for _, e := range list {
		b.lines = append(b.lines, e.String())
		b.parts = append(b.parts, e.part)
	}
}

// drop flushes and deletes chains, but keeps those that others jump to.
func (b *batch) drop(chains []string, kept map[string]bool) {
	for _, chain := range chains {
		b.empty(chain)
	}
	for _, chain := range chains {
		if !kept[chain] {
			b.add("-X " + chain)
		}
	}
}

// text ends the batch. It must be the last call.
func (b *batch) text() string { return strings.Join(b.lines, "\n") + "\nCOMMIT\n" }

// part returns what the line with this number stands for; lines count from 1.
func (b *batch) part(number int) string {
	if number < 1 || number > len(b.parts) {
		return ""
	}
	return b.parts[number-1]
}

// replace is the batch that turns the table into the ruleset: our chains are filled anew, those that are not in it
// deleted, the jumps from PREROUTING and OUTPUT appended where they are missing.
func (r ruleset) replace(now table) *batch {
	b := newBatch()
	wanted := map[string]bool{}
	for _, chain := range r.chains {
		wanted[chain] = true
		b.empty(chain)
	}
	var stale []string
	for _, chain := range now.chains {
		if !wanted[chain] {
			stale = append(stale, chain)
			b.empty(chain)
		}
	}
	b.hookOnce(now)
	b.entries(r.entries)
	b.drop(stale, now.kept)
	return b
}

// hookOnce gives both built-in chains exactly one jump to ours. Among several the last stays.
func (b *batch) hookOnce(now table) {
	for _, chain := range [...]string{"PREROUTING", "OUTPUT"} {
		if now.hooks[chain] == 0 {
			b.add("-A " + chain + " -j " + hookChain)
		}
		for extra := now.hooks[chain]; extra > 1; extra-- {
			b.add("-D " + chain + " -j " + hookChain)
		}
	}
}

// clear is the batch that takes our jumps and chains out of the table.
func (now table) clear() *batch {
	b := newBatch()
	for _, chain := range [...]string{"PREROUTING", "OUTPUT"} {
		for range now.hooks[chain] {
			b.add("-D " + chain + " -j " + hookChain)
		}
	}
	b.drop(now.chains, now.kept)
	return b
}
