package archive

import (
	"fmt"
	"strings"
)

// Field is one line of a control file: a name and a value. Further lines of a value are indented in the file.
type Field struct {
	Name  string
	Value string
}

// Control is what opkg knows about a package, in the order of the file.
type Control []Field

// Get returns the value of a field, or "".
func (c Control) Get(name string) string {
	for _, field := range c {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// With returns a copy in which a field has that value: where it stood, or before the last field, which is the description.
func (c Control) With(name, value string) Control {
	changed := append(Control{}, c...)
	for i, field := range changed {
		if field.Name == name {
			changed[i].Value = value
			return changed
		}
	}
	if len(changed) == 0 {
		return Control{{name, value}}
	}
	last := changed[len(changed)-1]
	return append(changed[:len(changed)-1], Field{name, value}, last)
}

// String returns the text of the control file.
func (c Control) String() string {
	var text strings.Builder
	for _, field := range c {
		text.WriteString(field.Name + ": " + strings.ReplaceAll(field.Value, "\n", "\n ") + "\n")
	}
	return text.String()
}

// ParseControl reads one control file, or one paragraph of an index. A field may stand there once.
func ParseControl(text string) (Control, error) {
	var c Control
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if more, ok := strings.CutPrefix(line, " "); ok && len(c) > 0 {
			c[len(c)-1].Value += "\n" + more
			continue
		}
		name, value, ok := strings.Cut(line, ": ")
		switch {
		case !ok || name == "" || strings.ContainsAny(name, " \t"):
			return nil, fmt.Errorf("line %d of the control file is no field: %q", i+1, line)
		case c.Get(name) != "":
			return nil, fmt.Errorf("line %d of the control file: %s stands there twice", i+1, name)
		}
		c = append(c, Field{name, value})
	}
	return c, nil
}
