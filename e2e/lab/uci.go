package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mwan3/uci"
)

// uciCommand plays OpenWrt's program uci, as far as scripts here use it, with changes that wait in /tmp/.uci for their
// commit: uci [-q] show PACKAGE, get NAME, set NAME=VALUE, delete NAME, add_list NAME=VALUE, commit [PACKAGE]. A NAME is
// PACKAGE.SECTION.OPTION. It returns the exit code.
func uciCommand(args []string, stdout, stderr io.Writer) int {
	quiet := len(args) > 0 && args[0] == "-q"
	if quiet {
		args = args[1:]
	}
	if len(args) == 1 && args[0] == "commit" {
		return commitAll(stderr)
	}
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: uci [-q] show|get|set|delete|add_list|commit WHAT")
		return 1
	}
	name, value, _ := strings.Cut(args[1], "=")
	pkg, rest, _ := strings.Cut(name, ".")
	err := uciPackage(pkg).do(args[0], rest, value, stdout)
	if err != nil && !quiet {
		fmt.Fprintln(stderr, "uci:", err)
	}
	if err != nil {
		return 1
	}
	return 0
}

// commitAll commits what waits, of all packages.
func commitAll(stderr io.Writer) int {
	waiting, _ := os.ReadDir(filepath.Dir(uciPackage("x").delta()))
	for _, file := range waiting {
		if err := uciPackage(file.Name()).do("commit", "", "", io.Discard); err != nil {
			fmt.Fprintln(stderr, "uci:", err)
			return 1
		}
	}
	return 0
}

var errNoEntry = errors.New("Entry not found")

// uciPackage is the name of a file in /etc/config.
type uciPackage string

func (p uciPackage) file() string  { return "/etc/config/" + string(p) }
func (p uciPackage) delta() string { return "/tmp/.uci/" + string(p) }

func (p uciPackage) do(verb, name, value string, stdout io.Writer) error {
	sections, _, err := uci.Load(uci.Layers{Files: []string{p.file()}, Deltas: []string{p.delta()}})
	if err != nil {
		return err
	}
	section, option, _ := strings.Cut(name, ".")
	switch verb {
	case "show":
		p.show(sections, stdout)
		return nil
	case "get":
		return get(find(sections, section), option, stdout)
	case "set":
		return p.note("", name, value)
	case "add_list":
		return p.note("|", name, value)
	case "delete":
		if _, ok := find(sections, section).Option(option); !ok {
			return errNoEntry
		}
		return p.note("-", name, "")
	case "commit":
		return p.commit(sections)
	}
	return fmt.Errorf("unknown command %s", verb)
}

func find(sections []uci.Section, name string) uci.Section {
	i := slices.IndexFunc(sections, func(s uci.Section) bool { return s.Name == name })
	if i < 0 {
		return uci.Section{}
	}
	return sections[i]
}

func (p uciPackage) show(sections []uci.Section, stdout io.Writer) {
	for _, s := range sections {
		fmt.Fprintf(stdout, "%s.%s=%s\n", p, s.Name, s.Type)
		for _, o := range s.Options {
			fmt.Fprintf(stdout, "%s.%s.%s='%s'\n", p, s.Name, o.Name, strings.Join(texts(o), "' '"))
		}
	}
}

func get(section uci.Section, option string, stdout io.Writer) error {
	o, ok := section.Option(option)
	if !ok {
		return errNoEntry
	}
	fmt.Fprintln(stdout, strings.Join(texts(o), " "))
	return nil
}

func texts(o uci.Option) []string {
	var all []string
	for _, value := range o.Values {
		all = append(all, value.Text)
	}
	return all
}

// note appends a change to those that wait.
func (p uciPackage) note(operation, name, value string) error {
	line := operation + string(p) + "." + name
	if operation != "-" {
		line += "='" + value + "'"
	}
	if err := os.MkdirAll(filepath.Dir(p.delta()), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(p.delta(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, line)
	return errors.Join(err, file.Close())
}

// commit writes the file anew, if there are changes.
func (p uciPackage) commit(sections []uci.Section) error {
	if _, err := os.Stat(p.delta()); err != nil {
		return nil
	}
	var text strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&text, "\nconfig %s", s.Type)
		if !s.Anonymous {
			fmt.Fprintf(&text, " '%s'", s.Name)
		}
		text.WriteString("\n")
		for _, o := range s.Options {
			kind := "option"
			if o.List {
				kind = "list"
			}
			for _, value := range texts(o) {
				fmt.Fprintf(&text, "\t%s %s '%s'\n", kind, o.Name, value)
			}
		}
	}
	return errors.Join(os.WriteFile(p.file(), []byte(text.String()), 0o600), os.Remove(p.delta()))
}
