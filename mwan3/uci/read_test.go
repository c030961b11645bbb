package uci

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read is what a file and a delta say, faults included, in one text.
func read(t *testing.T, text, delta string) string {
	t.Helper()
	d := newDocument()
	commands, faults := parseFile("mwan3", text)
	more, err := d.run(commands)
	if err != nil {
		t.Fatal(err)
	}
	faults = merge(nul("mwan3", text), faults, more)
	changes, changeFaults := parseDelta("delta/mwan3", delta)
	faults = append(faults, merge(changeFaults, d.change(changes))...)
	out := strings.TrimPrefix(printSections(d.result()), "\n")
	for _, f := range faults {
		out += fmt.Sprintln(f)
	}
	return out
}

type readTest struct{ name, text, delta, want string }

func (tt readTest) run(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(tt.want, read(t, tt.text, tt.delta)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	tests := []readTest{{
		name: "Quotes and escapes",
		text: `c a x
o p it\'s
o q 'it'\''s'
o r "a \"b\" \\ 'c'"
o s 'a \"b'
o t a\ b\;\#c
`,
		want: `config 'a' 'x'
	option p 'it'\''s'
	option q 'it'\''s'
	option r 'a "b" \ '\''c'\'''
	option s 'a \"b'
	option t 'a b;#c'
`}, {
		name: "Quoted values span lines and a backslash joins lines",
		text: "c a x\no p 'one\ntwo'\no q \"one\\\ntwo\\\r\nthree\"\no r one\\\ntwo\n",
		want: "config 'a' 'x'\n\toption p 'one\ntwo'\n\toption q 'onetwothree'\n\toption r 'onetwo'\n",
	}, {
		name: "A blank at the start of a joined line ends the word",
		text: "c a x\no p one\\\n two\no q \\\n three\n",
		want: `config 'a' 'x'
	option p 'one'
mwan3:2: extra word "two": a value with blanks needs quotes; the word is skipped
mwan3:4: extra word "three": a value with blanks needs quotes; the word is skipped
`}, {
		name: "Comments start a line or end one, even in the middle of a word",
		text: "# a\n   # b\nc a x # c\no p 1#2\no q 'a#b'#c\n#o r 1\n",
		want: "config 'a' 'x'\n\toption p '1'\n\toption q 'a#b'\n",
	}, {
		name: "Carriage returns, tabs and empty lines are blanks",
		text: "config a x\r\n\r\n\toption p 1\r\n \t\v\f\n\toption\tq\t2",
		want: "config 'a' 'x'\n\toption p '1'\n\toption q '2'\n",
	}, {
		name: "Semicolons separate commands, but one behind a bare word hides the rest of the line",
		text: "c a x ; o p 1 ; o q '2';o r 3\no s 4;o t 5\no u 6;\no v 7;#c\n",
		want: `config 'a' 'x'
	option p '1'
	option q '2'
	option r '3'
	option s '4'
	option u '6'
	option v '7'
mwan3:2: what follows the ; is not read: it needs a blank before it
`}, {
		name: "A quote that is never closed loses the rest of the file",
		text: "c a x\no p 1\no q \"2\nc b y\n",
		want: `config 'a' 'x'
	option p '1'
mwan3:3: a quote is opened and never closed: the line is skipped
`}, {
		name: "A NUL ends its line",
		text: "c a x\no p 1\x002\no q 3\n",
		want: `config 'a' 'x'
	option p '1'
	option q '3'
mwan3:2: a NUL byte: the file is damaged; the line ends here
`}}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestBadLinesAreSkipped(t *testing.T) {
	t.Parallel()
	tests := []readTest{{
		name: "Commands",
		text: "option p 1\nfoo bar\nc a x\noptoin p 1\noption\n c\no p\nlist\t\npackage mwan3\np bad.name\n",
		want: `config 'a' 'x'
mwan3:1: no section is open yet: a config line must stand before; the line is skipped
mwan3:2: unknown command "foo": config, option or list must stand here; the line is skipped
mwan3:4: unknown command "optoin": config, option or list must stand here; the line is skipped
mwan3:5: unknown command "option": config, option or list must stand here; the line is skipped
mwan3:6: unknown command "c": config, option or list must stand here; the line is skipped
mwan3:8: option name "": only letters, digits and _ can be in it; the line is skipped
mwan3:10: package name "bad.name": only letters, digits, - and _ can be in it; the line is skipped
`}, {
		name: "Options of a section with a bad name go to the section before",
		text: "c a x\no p 1\nc interface wan-2\no p 2\nc 'a b' z\no p 3\no b-d 4\n",
		want: `config 'a' 'x'
	option p '3'
mwan3:3: section name "wan-2": only letters, digits and _ can be in it; the line is skipped, what follows goes to the section before
mwan3:5: config needs a type without blanks, not "a b": the line is skipped
mwan3:7: option name "b-d": only letters, digits and _ can be in it; the line is skipped
`}, {
		name: "One extra word is skipped and what follows it is a command",
		text: "c a x\no p 1 2\no q 1 2 o r 3\no s 1 2 3\n",
		want: `config 'a' 'x'
	option p '1'
	option q '1'
	option r '3'
	option s '1'
mwan3:2: extra word "2": a value with blanks needs quotes; the word is skipped
mwan3:3: extra word "2": a value with blanks needs quotes; the word is skipped
mwan3:4: extra word "2": a value with blanks needs quotes; the word is skipped
mwan3:4: unknown command "3": config, option or list must stand here; the line is skipped
`}}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestSections(t *testing.T) {
	t.Parallel()
	tests := []readTest{{
		name: "Anonymous sections are numbered among all and named after their type",
		text: "c globals\nc interface\nc member\nc rule\nc interface wan\nc policy\nc rule\n",
		want: `config 'globals' 'cfg013b09'

config 'interface' 'cfg026d96'

config 'member' 'cfg036fdd'

config 'rule' 'cfg0492bd'

config 'interface' 'wan'

config 'policy' 'cfg066ff5'

config 'rule' 'cfg0792bd'
`}, {
		name: "A name that comes again continues the section where it stands",
		text: "c a x\no p 1\nc a y\nc a x\no p 2\no q 3\n",
		want: `config 'a' 'x'
	option p '2'
	option q '3'

config 'a' 'y'
`}, {
		name: "A name that comes again with another type changes the type",
		text: "c interface wan\no p 1\nc a y\nc policy wan\no q 2\nc rule\n",
		want: `config 'policy' 'wan'
	option p '1'
	option q '2'

config 'a' 'y'

config 'rule' 'cfg0392bd'
mwan3:4: section "wan" is there already, with type interface (mwan3:1): its type becomes policy and it keeps the options of both; give one of them another name
`}, {
		name: "The last option wins and an empty one changes nothing",
		text: "c a x\no p 1\no q 1\no p 2\no q ''\no q\no r ''\n",
		want: "config 'a' 'x'\n\toption p '2'\n\toption q '1'\n",
	}, {
		name: "Lists keep order, repetition and empty values",
		text: "c a x\nl p 2\nl p 1\nl p 2\nl p\nl p ''\n",
		want: "config 'a' 'x'\n\tlist p '2'\n\tlist p '1'\n\tlist p '2'\n\tlist p ''\n\tlist p ''\n",
	}, {
		name: "A list continues an option and an option replaces a list",
		text: "c a x\no p 1\nl p 2\nl q 1\nl q 2\no q 3\n",
		want: "config 'a' 'x'\n\tlist p '1'\n\tlist p '2'\n\toption q '3'\n",
	}}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}

func TestDeltas(t *testing.T) {
	t.Parallel()
	const file = "c a x\no p 1\nl q 1\nl q 2\nl q 1\nc b y\n"
	tests := []readTest{{
		name: "Set, empty and new",
		text: file,
		delta: `mwan3.x.p='7'
mwan3.x.q='it'\''s = a.b'
mwan3.y='bb'
mwan3.z='c'
mwan3.z.r="a
b"
mwan3.z.s='1'
mwan3.z.s=''
mwan3.z.t=''
mwan3.no=''
`,
		want: `config 'a' 'x'
	option p '7'
	option q 'it'\''s = a.b'

config 'bb' 'y'

config 'c' 'z'
	option r 'a
b'
`}, {
		name: "Add and remove",
		text: file,
		delta: `+mwan3.cfg0392bd='rule'
mwan3.cfg0392bd.p='1'
-mwan3.y
-mwan3.x.p
-mwan3.x.q='1'
-mwan3.x.q='7'
`,
		want: `config 'a' 'x'
	list q '1'
	list q '1'

config 'rule' 'cfg0392bd'
	option p '1'
`}, {
		name: "List changes",
		text: file,
		delta: `|mwan3.x.p='2'
|mwan3.x.r='3'
~mwan3.x.q='1'
~mwan3.x.none='1'
|mwan3.y.s='1'
~mwan3.y.s='1'
`,
		want: `config 'a' 'x'
	list p '1'
	list p '2'
	list q '2'
	list r '3'

config 'b' 'y'
`}, {
		name: "Rename and reorder",
		text: file + "c c z\n",
		delta: `^mwan3.z='0'
@mwan3.x='xx'
@mwan3.xx.p='pp'
^mwan3.xx='9'
`,
		want: `config 'c' 'z'

config 'b' 'y'

config 'a' 'xx'
	option pp '1'
	list q '1'
	list q '2'
	list q '1'
`}, {
		name: "An empty type removes the section",
		text: file, delta: "mwan3.x=''\n",
		want: "config 'b' 'y'\n",
	}, {
		name: "Bad lines are skipped",
		text: "c a x\no p 1\no q 2\nc a y\n",
		delta: `
# comment
junk
network.x.p='1'
mwan3
mwan3.x.p.q='1'
mwan3.x-y.p='1'
mwan3.x.p-q='1'
mwan3.x.p
mwan3.x.p='1' 2
mwan3.new='bad type'
mwan3.none.p='1'
-mwan3.none
-mwan3.x.none
@mwan3.none='z'
@mwan3.x='y'
@mwan3.x.p='q'
@mwan3.x.none='z'
@mwan3.x='a.b'
^mwan3.none='1'
^mwan3.x.p='1'
|mwan3.x='1'
mwan3.x.p='open
`,
		want: `config 'a' 'x'
	option p '1'
	option q '2'

config 'a' 'y'
delta/mwan3:3: change of "junk": a section of mwan3 or an option of one must be named; the line is skipped
delta/mwan3:4: change of "network.x.p": a section of mwan3 or an option of one must be named; the line is skipped
delta/mwan3:5: change of "mwan3": a section of mwan3 or an option of one must be named; the line is skipped
delta/mwan3:6: change of "mwan3.x.p.q": a section of mwan3 or an option of one must be named; the line is skipped
delta/mwan3:7: change of "mwan3.x-y.p": a section of mwan3 or an option of one must be named; the line is skipped
delta/mwan3:8: change of "mwan3.x.p-q": not a change that uci writes; the line is skipped
delta/mwan3:9: change of "mwan3.x.p": not a change that uci writes; the line is skipped
delta/mwan3:10: nothing can follow a change: the line is skipped
delta/mwan3:11: change of "mwan3.new": not a change that uci writes; the line is skipped
delta/mwan3:12: there is no such section: the line is skipped
delta/mwan3:13: there is no such section: the line is skipped
delta/mwan3:14: there is no such option: the line is skipped
delta/mwan3:15: there is no such section: the line is skipped
delta/mwan3:16: the new name is taken: the line is skipped
delta/mwan3:17: the new name is taken: the line is skipped
delta/mwan3:18: there is no such option: the line is skipped
delta/mwan3:19: change of "mwan3.x": not a change that uci writes; the line is skipped
delta/mwan3:20: there is no such section: the line is skipped
delta/mwan3:21: change of "mwan3.x.p": not a change that uci writes; the line is skipped
delta/mwan3:22: change of "mwan3.x": not a change that uci writes; the line is skipped
delta/mwan3:23: a quote is opened and never closed: the line is skipped
`}}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}
