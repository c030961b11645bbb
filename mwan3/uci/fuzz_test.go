package uci

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func FuzzFile(f *testing.F) {
	f.Add("config interface 'wan'\n\toption enabled '1'\n\tlist track_ip '198.51.100.1'\n")
	f.Add("c a x;o p 1 ;l p 'a\nb'\\''c' \"\\\"\" # d\nc a\\\nb\n")
	f.Add("c\x00 a\no \"")
	f.Fuzz(func(t *testing.T, text string) { checkReprint(t, text, "") })
}

func FuzzDelta(f *testing.F) {
	f.Add("mwan3.x.p='7'\n+mwan3.cfg0392bd='rule'\n-mwan3.y\n-mwan3.x.q='1'\n")
	f.Add("|mwan3.x.q='2'\n~mwan3.x.q='1'\n^mwan3.y='0'\n@mwan3.x='z'\n@mwan3.z.p='r'\n")
	f.Add("mwan3.x.p=\"\\\n'\n mwan3.n='a'#")
	f.Fuzz(func(t *testing.T, delta string) {
		checkReprint(t, "config a x\n\toption p 1\n\tlist q 1\n\tlist q 2\nconfig b y\n", delta)
	})
}

// checkReprint checks that what was read says the same when it is printed and read again, without faults.
func checkReprint(t *testing.T, text, delta string) {
	d := newDocument()
	commands, _ := parseFile("mwan3", text)
	if _, err := d.run(commands); err != nil {
		t.Skip(err)
	}
	changes, _ := parseDelta("mwan3", delta)
	d.change(changes)
	want := d.result()
	if !unique(want) {
		t.Skip("a generated name was taken")
	}
	again := newDocument()
	commands, faults := parseFile("mwan3", printSections(want))
	more, err := again.run(commands)
	if len(faults)+len(more) > 0 || err != nil {
		t.Fatal(faults, more, err)
	}
	options := cmp.Options{cmpopts.IgnoreTypes(Pos{}), cmpopts.IgnoreFields(Section{}, "Anonymous")}
	if diff := cmp.Diff(want, again.result(), options); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func unique(sections []Section) bool {
	seen := map[string]bool{}
	for _, s := range sections {
		if seen[s.Name] {
			return false
		}
		seen[s.Name] = true
	}
	return true
}
