package uci

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// change is one line of a delta file.
type change struct {
	pos     Pos
	op      op
	section string
	option  string // empty: the change is about the section
	value   string
}

// op is the character before the name that says what the change does.
type op byte

const (
	opSet     op = 0
	opAdd     op = '+'
	opRemove  op = '-'
	opRename  op = '@'
	opReorder op = '^'
	opListAdd op = '|'
	opListDel op = '~'
)

// parseDelta turns a delta file into changes. The file has its package's name, which each line repeats.
func parseDelta(file, text string) ([]change, []Fault) {
	s := scanner{file: file, text: text}
	var changes []change
	for s.openLine() {
		pos := s.here()
		c, err := parseChange(&s, filepath.Base(file))
		if err != nil {
			s.fault(pos, "%v", err)
		} else if c.section != "" {
			c.pos = pos
			changes = append(changes, c)
		}
	}
	return changes, s.faults
}

// parseChange reads `[op]package.section[.option][='value']`. The zero change is an empty line.
func parseChange(s *scanner, pkg string) (change, error) {
	word, err := s.word()
	if err != nil || word == "" {
		return change{}, err
	}
	if s.cur() != 0 {
		return change{}, errors.New("nothing can follow a change: the line is skipped")
	}
	c := change{}
	if strings.IndexByte("+-@^|~", word[0]) >= 0 {
		c.op, word = op(word[0]), word[1:]
	}
	name, value, hasValue := strings.Cut(word, "=")
	c.value = value
	parts := strings.Split(name, ".")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != pkg || !isName(parts[1]) {
		return change{}, fmt.Errorf("change of %q: a section of %s or an option of one must be named; the line is "+
			"skipped", name, pkg)
	}
	c.section = parts[1]
	if len(parts) == 3 {
		c.option = parts[2]
	}
	if (len(parts) == 3 && !isName(c.option)) || !c.complete(hasValue) || !isText(value) {
		return change{}, fmt.Errorf("change of %q: not a change that uci writes; the line is skipped", name)
	}
	return c, nil
}

// complete tells whether the change has what its kind needs.
func (c change) complete(hasValue bool) bool {
	switch c.op {
	case opRemove:
		return true
	case opReorder:
		return hasValue && c.option == ""
	case opRename:
		return isName(c.value)
	case opListAdd, opListDel:
		return hasValue && c.option != ""
	}
	return hasValue && (c.option != "" || c.value == "" || isType(c.value))
}

// isText tells whether libuci takes the value from a delta file.
func isText(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < 32 && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
