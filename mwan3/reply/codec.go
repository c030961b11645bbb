package reply

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"mwan3/network"
)

// field is a line of an answer: its name and where its value is.
type field struct {
	name  string
	value any // a pointer to one of the types of format and parse
}

// write returns a line for each field, and for each element of a list.
func write(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		for _, value := range format(f.value) {
			b.WriteString(f.name + " " + value + "\n")
		}
	}
	return b.String()
}

// format returns a field's values.
func format(value any) []string {
	switch v := value.(type) {
	case *bool:
		return []string{strconv.FormatBool(*v)}
	case *int:
		return []string{strconv.Itoa(*v)}
	case *uint32:
		return []string{"0x" + strconv.FormatUint(uint64(*v), 16)}
	case *string:
		return []string{strconv.Quote(*v)}
	case *time.Duration:
		return []string{v.String()}
	case *network.Family:
		return []string{v.String()}
	case *netip.Addr:
		if !v.IsValid() {
			return []string{""}
		}
		return []string{v.String()}
	case *[]string:
		var values []string
		for _, text := range *v {
			values = append(values, strconv.Quote(text))
		}
		return values
	}
	panic(fmt.Sprintf("no format for %T", value))
}

// beginsWith tells whether an answer's first line is a field's.
func beginsWith(text string, f field) bool {
	name, _, _ := strings.Cut(text, " ")
	return name == f.name
}

// read sets the fields to what an answer says.
func read(text string, fields []field) error {
	seen := make([]bool, len(fields))
	for rest, number := text, 1; rest != ""; number++ {
		line, after, whole := strings.Cut(rest, "\n")
		if !whole {
			return fmt.Errorf("line %d: %q is cut off", number, line)
		}
		if err := readLine(line, fields, seen); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		rest = after
	}
	for i, f := range fields {
		if _, list := f.value.(*[]string); !seen[i] && !list {
			return fmt.Errorf("no line %q", f.name)
		}
	}
	return nil
}

func readLine(line string, fields []field, seen []bool) error {
	name, value, _ := strings.Cut(line, " ")
	for i, f := range fields {
		if f.name != name {
			continue
		}
		if _, list := f.value.(*[]string); seen[i] && !list {
			return fmt.Errorf("%q has come before", name)
		}
		seen[i] = true
		if err := parse(value, f.value); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		return nil
	}
	return fmt.Errorf("%q is unknown", line)
}

var errFamily = errors.New("neither ipv4 nor ipv6")

// parse sets a field to a value, or adds it to a list.
func parse(text string, value any) (err error) {
	switch v := value.(type) {
	case *bool:
		*v, err = strconv.ParseBool(text)
	case *int:
		*v, err = strconv.Atoi(text)
	case *uint32:
		var n uint64
		n, err = strconv.ParseUint(text, 0, 32)
		*v = uint32(n)
	case *string:
		*v, err = strconv.Unquote(text)
	case *time.Duration:
		*v, err = time.ParseDuration(text)
	case *network.Family:
		*v, err = parseFamily(text)
	case *netip.Addr:
		if text != "" {
			*v, err = netip.ParseAddr(text)
		}
	case *[]string:
		var element string
		element, err = strconv.Unquote(text)
		*v = append(*v, element)
	default:
		panic(fmt.Sprintf("no form of %T", value))
	}
	return err
}

func parseFamily(text string) (network.Family, error) {
	for _, f := range network.Families {
		if f.String() == text {
			return f, nil
		}
	}
	return 0, errFamily
}
