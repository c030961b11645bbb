package nft

import (
	"maps"
	"slices"
	"strings"
)

// existing is what our table has, by name.
type existing struct {
	found  bool              // the table exists
	asleep bool              // … but somebody switched it off
	sets   map[string]object // sets and maps, which share their names
	chains map[string]object
}

// object is a set, map or chain as nft lists it.
type object struct {
	kind  string
	lines []string
}

// look lists our table without the elements of its sets, which can be many.
func (b *Backend) look() (existing, error) {
	text, err := b.list("-t", "list", "table", "inet", "mwan3")
	return parseTable(text), err
}

// skim lists what our table consists of, without rules and elements: a quarter of the time of look. It says neither
// whether the table sleeps nor whether an empty one exists.
func (b *Backend) skim() (existing, error) {
	text, err := b.list("-t", "list chains inet; list sets inet; list maps inet")
	return parseTable(text), err
}

// parseTable reads what `nft list` prints of our table. It looks for the few things that it knows; whatever else a version
// of nft prints does not disturb it.
func parseTable(text string) existing {
	have := existing{sets: map[string]object{}, chains: map[string]object{}}
	kinds := map[string]map[string]object{"set": have.sets, "map": have.sets, "chain": have.chains}
	var inside map[string]object
	var name string
	mine := false
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case inside != nil && line == "}":
			inside = nil
		case inside != nil:
			o := inside[name]
			o.lines = append(o.lines, line)
			inside[name] = o
		case words[0] == "table":
			mine = strings.HasPrefix(line, "table "+table+" ")
			have.found = have.found || mine
		case !mine:
		case words[0] == "flags":
			have.asleep = slices.Contains(strings.Split(strings.Join(words[1:], ""), ","), "dormant")
		case len(words) >= 3 && words[len(words)-1] == "{":
			if inside = kinds[words[0]]; inside != nil {
				name = words[1]
				inside[name] = object{kind: words[0]}
			}
		}
	}
	return have
}

// equal tells whether two listings, of the same kind, say the same.
func (have existing) equal(other existing) bool {
	return maps.EqualFunc(have.sets, other.sets, object.equal) && maps.EqualFunc(have.chains, other.chains, object.equal)
}

func (o object) equal(other object) bool {
	return o.kind == other.kind && slices.Equal(o.lines, other.lines)
}

// property returns the rest of the line that begins with the word.
func (o object) property(word string) string {
	for _, line := range o.lines {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// hook returns the line that makes a base chain of a chain, else "". Some versions of nft print the priority as a number.
func (o object) hook() string {
	rest := o.property("type")
	if rest == "" {
		return ""
	}
	return strings.Replace("type "+rest, "priority -150;", "priority mangle;", 1)
}

// flags returns the flags of a set, sorted.
func (o object) flags() string {
	flags := strings.FieldsFunc(o.property("flags"), func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(flags)
	return strings.Join(flags, ",")
}

// fate says what becomes of an existing set of the name.
type fate uint8

const (
	serves   fate = iota // it is as it has to be
	left                 // it is somebody's who wanted it slightly different: matched as it is
	recreate             // it is of no use
)

func (o object) fate(want set) fate {
	switch {
	case o.kind != want.kind || o.property("type") != want.key:
		return recreate
	case o.flags() == want.flags:
		return serves
	case strings.HasPrefix(want.name, userSetPrefix) && want.content == others:
		return left
	}
	return recreate
}
