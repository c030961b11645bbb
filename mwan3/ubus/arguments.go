package ubus

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseArguments reads the arguments of a call as rpcd hands them to a plugin: one JSON object, here one whose values
// are all strings, as those of our methods are. Nothing at all is an object without fields. Of several fields of a name
// all are returned, and Table.Get finds the last. Bytes that are no UTF-8 become U+FFFD.
func ParseArguments(text []byte) (Table, error) {
	p := parser{rest: text}
	p.blanks()
	if len(p.rest) == 0 {
		return nil, nil
	}
	args, err := p.object()
	if err != nil {
		return nil, err
	}
	if p.blanks(); len(p.rest) > 0 {
		return nil, errors.New("arguments: something follows the object")
	}
	return args, nil
}

// parser is what is left to be read.
type parser struct{ rest []byte }

func (p *parser) blanks() { p.rest = bytes.TrimLeft(p.rest, " \t\r\n") }

// take takes a character, after blanks, if it is the next.
func (p *parser) take(c byte) bool {
	p.blanks()
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) object() (Table, error) {
	if !p.take('{') {
		return nil, errors.New("arguments: want a JSON object")
	}
	if p.take('}') {
		return nil, nil
	}
	var args Table
	for {
		field, err := p.field()
		if err != nil {
			return nil, err
		}
		args = append(args, field)
		switch {
		case p.take('}'):
			return args, nil
		case !p.take(','):
			return nil, fmt.Errorf("argument %q: want a comma or the end of the object after it", field.Name)
		}
	}
}

func (p *parser) field() (Field, error) {
	name, ok := p.text()
	if !ok || !p.take(':') {
		return Field{}, errors.New("arguments: want a name and a colon")
	}
	value, ok := p.text()
	if !ok {
		return Field{}, fmt.Errorf("argument %q: want a string", name)
	}
	return Field{Name: name, Value: value}, nil
}

// text reads a string.
func (p *parser) text() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	var text []byte
	for len(p.rest) > 0 {
		c := p.rest[0]
		switch {
		case c == '"':
			p.rest = p.rest[1:]
			return string(text), true
		case c < ' ':
			return "", false
		case c == '\\':
			r, ok := p.escaped()
			if !ok {
				return "", false
			}
			text = utf8.AppendRune(text, r)
		default:
			r, size := utf8.DecodeRune(p.rest)
			p.rest = p.rest[size:]
			text = utf8.AppendRune(text, r)
		}
	}
	return "", false
}

// escaped reads a backslash and what it stands for.
func (p *parser) escaped() (rune, bool) {
	if len(p.rest) < 2 {
		return 0, false
	}
	letter := p.rest[1]
	if letter == 'u' {
		return p.unicode()
	}
	i := bytes.IndexByte([]byte(`"\/bfnrt`), letter)
	if i < 0 {
		return 0, false
	}
	p.rest = p.rest[2:]
	return rune("\"\\/\b\f\n\r\t"[i]), true
}

// unicode reads \u and four digits, or the two of a character beyond U+FFFF. Half of such a pair is U+FFFD.
func (p *parser) unicode() (rune, bool) {
	first, ok := p.unit()
	if !ok {
		return 0, false
	}
	p.rest = p.rest[6:]
	if !utf16.IsSurrogate(first) {
		return first, true
	}
	second, _ := p.unit()
	pair := utf16.DecodeRune(first, second)
	if pair != utf8.RuneError {
		p.rest = p.rest[6:]
	}
	return pair, true
}

// unit looks at \u and four digits without taking it.
func (p *parser) unit() (rune, bool) {
	if len(p.rest) < 6 || p.rest[0] != '\\' || p.rest[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.rest[2:6]), 16, 16)
	return rune(n), err == nil
}
