package ubus

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAValueIsWrittenAsJSONInTheOrderOfItsFields(t *testing.T) {
	value := Table{
		{Name: "wan", Value: Table{{Name: "up", Value: true}, {Name: "down", Value: false}}},
		{Name: "b", Value: Array{"x", 1, int64(-7), uint32(4294967295), 0.5, nil}},
		{Name: "a", Value: Table{}},
		{Name: "none", Value: Array(nil)},
		{Name: "no number", Value: Array{math.NaN(), math.Inf(1), math.Inf(-1)}},
		{Name: "of no type that we have", Value: struct{}{}},
	}
	want := `{"wan":{"up":true,"down":false},"b":["x",1,-7,4294967295,0.5,null],"a":{},"none":[],` +
		`"no number":[null,null,null],"of no type that we have":null}`
	if diff := cmp.Diff(want, string(AppendJSON(nil, value))); diff != "" {
		t.Error(diff)
	}
}

func TestAnyTextIsWrittenAsValidJSON(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `""`,
		"wan":                    `"wan"`,
		`a"b\c/d`:                `"a\"b\\c/d"`,
		"a\x00b\n\t\x1f\x7f":     `"a\u0000b\u000a\u0009\u001f\u007f"`,
		"grün \u2028 😀":          `"grün ` + "\u2028" + ` 😀"`,
		"\xff\xfe":               `"` + "\ufffd\ufffd" + `"`,
		"cut \xe2\x82":           `"cut ` + "\ufffd\ufffd" + `"`,
		"surrogate \xed\xa0\x80": `"surrogate ` + "\ufffd\ufffd\ufffd" + `"`,
	} {
		got := AppendJSON(nil, text)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func FuzzAnyTextComesBackFromItsJSON(f *testing.F) {
	f.Add("wan", "\xff\x00\"\\")
	f.Fuzz(func(t *testing.T, name, text string) {
		var got map[string][]string
		written := AppendJSON(nil, Table{{Name: name, Value: Array{text}}})
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		want := map[string][]string{valid(name): {valid(text)}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// valid puts U+FFFD in the place of each byte that is no UTF-8.
func valid(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteRune(r)
	}
	return b.String()
}
