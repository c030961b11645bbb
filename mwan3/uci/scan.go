package uci

import (
	"errors"
	"fmt"
	"strings"
)

var errQuote = errors.New("a quote is opened and never closed: the line is skipped")

// scanner cuts text into words. Like libuci it goes by lines: a word ends with its line at the latest, and only an
// open quote or a backslash before the line's end pulls in the next one. A NUL ends its line.
type scanner struct {
	file   string
	text   string
	pos    int // next byte to read
	next   int // where the line after the open one starts
	line   int // number of the open line, from 1
	faults []Fault
}

// openLine leaves what remains of the line and goes to the next; false at the end of the text.
func (s *scanner) openLine() bool {
	s.pos = s.next
	if s.pos == len(s.text) {
		return false
	}
	s.line++
	s.next = len(s.text)
	if i := strings.IndexByte(s.text[s.pos:], '\n'); i >= 0 {
		s.next = s.pos + i + 1
	}
	return true
}

// dropLine leaves the rest of the line unread.
func (s *scanner) dropLine() { s.pos = s.next }

// cur is the next byte of the line, 0 at its end. The newline is part of the line.
func (s *scanner) cur() byte {
	if s.pos < s.next {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) here() Pos { return Pos{s.file, s.line} }

func (s *scanner) fault(pos Pos, format string, args ...any) {
	if len(s.faults) <= maxFaults {
		s.faults = append(s.faults, Fault{pos, fmt.Sprintf(format, args...)})
	}
}

func (s *scanner) skipBlanks() {
	for isBlank(s.cur()) {
		s.pos++
	}
}

// keyword reads the command word at the start of a command. Unlike other words it ends at a blank or tab only and
// knows no quotes. It is empty at the end of the line and before a comment.
func (s *scanner) keyword() string {
	for s.cur() == ' ' || s.cur() == '\t' {
		s.pos++
	}
	start := s.pos
	for c := s.cur(); c != 0 && c != ' ' && c != '\t'; c = s.cur() {
		s.pos++
	}
	word := s.text[start:s.pos]
	if strings.HasPrefix(word, "#") {
		s.dropLine()
		return ""
	}
	if s.cur() != 0 {
		s.pos++
	}
	return word
}

// word reads one argument and the blank behind it. It is empty when the command has no more: the line ends, a
// comment starts, or a semicolon stands there, which is then read.
func (s *scanner) word() (string, error) {
	s.skipBlanks()
	if s.cur() == ';' {
		s.pos++
		return "", nil
	}
	var w strings.Builder
	start := s.pos
	for c := s.cur(); c != 0 && !isBlank(c); c = s.cur() {
		if c == '#' {
			s.dropLine()
			return w.String(), nil
		}
		if c == ';' {
			s.semicolon(s.pos-start == w.Len())
			return w.String(), nil
		}
		if err := s.piece(&w); err != nil {
			return "", err
		}
	}
	if s.cur() != 0 {
		s.pos++
	}
	return w.String(), nil
}

// piece reads a quoted part of a word, or one character outside quotes.
func (s *scanner) piece(w *strings.Builder) error {
	switch s.cur() {
	case '\'':
		return s.singleQuoted(w)
	case '"':
		return s.doubleQuoted(w)
	case '\\':
		if s.backslash() {
			return nil
		}
	}
	w.WriteByte(s.cur())
	s.pos++
	return nil
}

// semicolon handles one that touches the word before it. Behind a bare word libuci ends the string where the
// semicolon stands and so forgets the rest of the line.
func (s *scanner) semicolon(bare bool) {
	rest := strings.TrimLeft(s.text[s.pos:s.next], "; \t\r\n")
	if !bare {
		return
	}
	if rest != "" && rest[0] != '#' {
		s.fault(s.here(), "what follows the ; is not read: it needs a blank before it")
	}
	s.dropLine()
}

// backslash skips one and tells whether it joined the next line to this one, else the next character is literal.
func (s *scanner) backslash() bool {
	s.pos++
	rest := s.text[s.pos:s.next]
	if s.cur() == 0 || rest == "\n" || rest == "\r\n" {
		s.openLine()
		return true
	}
	return false
}

func (s *scanner) singleQuoted(w *strings.Builder) error {
	s.pos++
	for s.cur() != '\'' {
		if err := s.quotedByte(w); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

func (s *scanner) doubleQuoted(w *strings.Builder) error {
	s.pos++
	for s.cur() != '"' {
		if s.cur() == '\\' && s.backslash() {
			continue
		}
		if err := s.quotedByte(w); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

// quotedByte copies one byte, across the end of the line if need be.
func (s *scanner) quotedByte(w *strings.Builder) error {
	if s.cur() == 0 {
		if !s.openLine() {
			return errQuote
		}
		return nil
	}
	w.WriteByte(s.cur())
	s.pos++
	return nil
}

// isBlank is C's isspace.
func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// isName tells whether libuci takes the word as the name of a section or an option.
func isName(word string) bool {
	for i := 0; i < len(word); i++ {
		c := word[i]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return word != ""
}

// isType tells whether libuci takes the word as the type of a section: printable ASCII without blanks.
func isType(word string) bool {
	for i := 0; i < len(word); i++ {
		if word[i] < 33 || word[i] > 126 {
			return false
		}
	}
	return word != ""
}
