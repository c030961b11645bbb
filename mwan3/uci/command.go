package uci

import (
	"fmt"
	"strings"
)

// command is one command of a config file. A section without a name is anonymous.
type command struct {
	pos   Pos
	verb  verb
	name  string // of the option; of the section, if it has one
	value string // of the option; the section's type
}

type verb byte

const (
	verbConfig verb = iota
	verbOption
	verbList
)

// parser reads a config file. What it returns as an error skips the rest of the line, as in libuci.
type parser struct {
	scanner
	commands []command
	open     bool // a section was there: options have a place to go
}

// parseFile turns a config file into commands and reports the lines that it has to skip.
func parseFile(file, text string) ([]command, []Fault) {
	p := parser{scanner: scanner{file: file, text: text}}
	for p.openLine() {
		p.skipBlanks()
		p.parseLine()
	}
	return p.commands, p.faults
}

// parseLine reads the commands of a line, which may end lines further down.
func (p *parser) parseLine() {
	for {
		pos := p.here()
		word := p.keyword()
		if word == "" {
			return
		}
		if err := p.parseCommand(pos, word); err != nil {
			p.fault(pos, "%v", err)
			return
		}
	}
}

func (p *parser) parseCommand(pos Pos, word string) error {
	switch word {
	case "c", "config":
		return p.config(pos)
	case "o", "option":
		return p.option(pos, verbOption)
	case "l", "list":
		return p.option(pos, verbList)
	case "p", "package":
		return p.packageName(pos)
	}
	return fmt.Errorf("unknown command %q: config, option or list must stand here; the line is skipped",
		strings.TrimSpace(word))
}

// config reads the rest of `config TYPE [NAME]`.
func (p *parser) config(pos Pos) error {
	kind, err := p.word()
	if err != nil {
		return err
	}
	if !isType(kind) {
		return fmt.Errorf("config needs a type without blanks, not %q: the line is skipped", kind)
	}
	name, err := p.word()
	if err != nil {
		return err
	}
	if name != "" && !isName(name) {
		return fmt.Errorf("section name %q: only letters, digits and _ can be in it; the line is skipped, what "+
			"follows goes to the section before", name)
	}
	if err := p.end(pos); err != nil {
		return err
	}
	p.open = true
	p.commands = append(p.commands, command{pos: pos, verb: verbConfig, name: name, value: kind})
	return nil
}

// option reads the rest of `option NAME VALUE` or `list NAME VALUE`.
func (p *parser) option(pos Pos, v verb) error {
	if !p.open {
		return fmt.Errorf("no section is open yet: a config line must stand before; the line is skipped")
	}
	name, err := p.word()
	if err != nil {
		return err
	}
	if !isName(name) {
		return fmt.Errorf("option name %q: only letters, digits and _ can be in it; the line is skipped", name)
	}
	value, err := p.word()
	if err != nil {
		return err
	}
	if err := p.end(pos); err != nil {
		return err
	}
	p.commands = append(p.commands, command{pos: pos, verb: v, name: name, value: value})
	return nil
}

// packageName reads the rest of `package NAME`, which says nothing new in a file that has its package's name.
func (p *parser) packageName(pos Pos) error {
	name, err := p.word()
	if err != nil {
		return err
	}
	if !isName(strings.ReplaceAll(name, "-", "_")) {
		return fmt.Errorf("package name %q: only letters, digits, - and _ can be in it; the line is skipped", name)
	}
	return p.end(pos)
}

// end reads to the end of the command. One word too many is passed over, what comes after is a command.
func (p *parser) end(pos Pos) error {
	extra, err := p.word()
	if err != nil {
		return err
	}
	if extra != "" {
		p.fault(pos, "extra word %q: a value with blanks needs quotes; the word is skipped", extra)
	}
	return nil
}
