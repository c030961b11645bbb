package ubus

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTablesAreTheBytesOfLibubox compares with a blob that libubox itself wrote.
func TestTablesAreTheBytesOfLibubox(t *testing.T) {
	want := fromHex(t, `8700000d 00027570 00000000 01000000 85000014 00067570 74696d65 00000000 0000012c
		84000014 00036269 67000000 00000001 00000000 88000018 00077065 7263656e 74000000 404e0000 00000000
		81000014 00016100 8300000a 00000000 78000000 82000008 00017400`)
	table := Table{{"up", true}, {"uptime", int64(300)}, {"big", int64(1) << 32}, {"percent", 60.0},
		{"a", Array{"x"}}, {"t", Table(nil)}}
	got, err := appendFields(nil, table)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("written as %x, %v\nwant %x", got, err, want)
	}
	read, err := parseFields(want, 1)
	if diff := cmp.Diff(table, read); diff != "" || err != nil {
		t.Errorf("read %v, difference (-want +got):\n%s", err, diff)
	}
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	tests := map[string]struct{ in, out Value }{
		"null":                {nil, nil},
		"true":                {true, true},
		"false":               {false, false},
		"int":                 {5, int64(5)},
		"smallest 32 bits":    {int64(-1 << 31), int64(-1 << 31)},
		"below 32 bits":       {int64(-1<<31 - 1), int64(-1<<31 - 1)},
		"largest 32 bits":     {1<<31 - 1, int64(1<<31 - 1)},
		"above 32 bits":       {int64(1 << 31), int64(1 << 31)},
		"an id keeps 32 bits": {uint32(0xffffffff), int64(-1)},
		"fraction":            {-0.5, -0.5},
		"empty string":        {"", ""},
		"string":              {"wän", "wän"},
		"empty array":         {Array(nil), Array(nil)},
		"nested":              {Array{Table{{"", Array{nil}}}}, Array{Table{{"", Array{nil}}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := appendFields(nil, Table{{"v", test.in}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseFields(b, 1)
			if diff := cmp.Diff(Table{{"v", test.out}}, got); diff != "" || err != nil {
				t.Errorf("%v, difference (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestSixteenBitsAreAnInteger(t *testing.T) {
	got, err := parseFields(fromHex(t, `8600000a 00016e00 fffe0000`), 1)
	if diff := cmp.Diff(Table{{"n", int64(-2)}}, got); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}

func TestValuesThatBlobmsgDoesNotHaveAreNamed(t *testing.T) {
	tests := map[string]struct {
		table Table
		want  string
	}{
		"unknown type":        {Table{{"a", Array{Table{{"b", int8(1)}}}}}, "a: b: blobmsg has no type for a int8"},
		"NUL in a string":     {Table{{"name", "mw\x00an"}}, `name: "mw\x00an" holds a NUL byte`},
		"name without end":    {Table{{strings.Repeat("n", 65536), 1}}, strings.Repeat("n", 65536) + ": name of 65536 bytes"},
		"more than a message": {Table{{"s", strings.Repeat("s", MaxMessage)}}, "s: more than 1048576 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := appendFields(nil, test.table); err == nil || err.Error() != test.want {
				t.Errorf("got %.200v, want %.200s", err, test.want)
			}
		})
	}
}

func TestGarbageIsNotATable(t *testing.T) {
	tests := map[string]struct{ hex, want string }{
		"no blobmsg attribute":  {`0700000d 00027570 00000000 01000000`, "attribute has no name"},
		"no room for a name":    {`83000005 00`, "attribute has no name"},
		"a name over the end":   {`83000008 00097500`, "attribute has no name"},
		"a name without NUL":    {`8300000c 00017575 78000000`, "attribute has no name"},
		"a string without end":  {`83000009 00017300 78`, "s: string without an end"},
		"an integer cut short":  {`8500000a 00017500 00010000`, "u: blobmsg type 5 with 2 bytes"},
		"an unknown type":       {`89000008 00017500`, "u: unknown blobmsg type 9"},
		"garbage inside":        {`8200000c 00017400 83000040`, "t: attribute reaches over the end"},
		"garbage in an array":   {`8100000c 00016100 83000040`, "a: attribute reaches over the end"},
		"too few bytes":         {`830000`, "attribute reaches over the end"},
		"a length over the end": {`83000040 00017400`, "attribute reaches over the end"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := parseFields(fromHex(t, test.hex), 1); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestADeepNestIsRefused(t *testing.T) {
	var nest Value
	for range maxDepth {
		nest = Array{nest}
	}
	b, err := appendFields(nil, Table{{"a", nest}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseFields(b, 1); err == nil || !strings.HasSuffix(err.Error(), "nested deeper than 32 levels") {
		t.Errorf("got %v", err)
	}
}

func TestFieldsAreReadByNameAndType(t *testing.T) {
	table := Table{{"n", int64(1)}, {"s", "x"}, {"b", true}, {"a", Array{"y"}}, {"t", Table{{"u", "v"}}}, {"n", int64(2)}}
	if n := table.Int("n"); n != 2 {
		t.Errorf("of two values not the last counts but %d", n)
	}
	if table.Text("s") != "x" || !table.Bool("b") || table.Array("a")[0] != "y" || table.Table("t").Text("u") != "v" {
		t.Errorf("wrong values from %v", table)
	}
	if table.Int("s") != 0 || table.Text("n") != "" || table.Bool("x") || table.Array("t") != nil || table.Table("a") != nil {
		t.Errorf("values of another type, or of no name, from %v", table)
	}
}
