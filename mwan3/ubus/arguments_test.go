package ubus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArgumentsAreAnObjectOfStrings(t *testing.T) {
	for text, want := range map[string]Table{
		"":                         nil,
		" \n":                      nil,
		"{}":                       nil,
		" { \t}\r\n ":              nil,
		`{"section":"interfaces"}`: {{Name: "section", Value: "interfaces"}},
		`{ "section" : "" , "interface":"wan" }`: {
			{Name: "section", Value: ""}, {Name: "interface", Value: "wan"}},
		`{"a":"1","a":"2"}`:                 {{Name: "a", Value: "1"}, {Name: "a", Value: "2"}},
		`{"a":"\"\\\/\b\f\n\r\t"}`:          {{Name: "a", Value: "\"\\/\b\f\n\r\t"}},
		`{"a":"\u00e4\u20AC\ud83d\ude00"}`:  {{Name: "a", Value: "ä€😀"}},
		`{"a":"\ud83dx\ude00\ud83d\u0041"}`: {{Name: "a", Value: "\ufffdx\ufffd\ufffdA"}},
		"{\"a\":\"ä\xff\xe2\x82\"}":         {{Name: "a", Value: "ä\ufffd\ufffd\ufffd"}},
	} {
		got, err := ParseArguments([]byte(text))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
}

func TestArgumentsThatAreNoneAreRefused(t *testing.T) {
	const object, name = "arguments: want a JSON object", "arguments: want a name and a colon"
	for text, want := range map[string]string{
		"x":                 object,
		"[]":                object,
		`"section"`:         object,
		"null":              object,
		"{":                 name,
		"{,}":               name,
		`{"a"}`:             name,
		`{"a`:               name,
		`{a:"1"}`:           name,
		`{"a":"1",}`:        name,
		"{\"\n\":\"1\"}":    name,
		`{"a":1}`:           `argument "a": want a string`,
		`{"a":null}`:        `argument "a": want a string`,
		`{"a":["1"]}`:       `argument "a": want a string`,
		`{"a":{"b":"1"}}`:   `argument "a": want a string`,
		`{"a":"1`:           `argument "a": want a string`,
		`{"a":"\x"}`:        `argument "a": want a string`,
		`{"a":"\u12"}`:      `argument "a": want a string`,
		`{"a":"\u+123"}`:    `argument "a": want a string`,
		`{"a":"\`:           `argument "a": want a string`,
		"{\"a\":\"\x00\"}":  `argument "a": want a string`,
		`{"a":"1"`:          `argument "a": want a comma or the end of the object after it`,
		`{"a":"1" "b":"2"}`: `argument "a": want a comma or the end of the object after it`,
		`{} {}`:             "arguments: something follows the object",
		"{}\x00":            "arguments: something follows the object",
	} {
		got, err := ParseArguments([]byte(text))
		if got != nil || fmt.Sprint(err) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}

func FuzzArgumentsAreReadAsEncodingJSONReadsThem(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"section":"interfaces","interface":"wan"}`, `{"a":1}`, `{"a":"\ud83d\ude00"}`,
		"{\"\xff\":\"\xe2\x82\"}", `{"a":"1","a":"2"}`, `[{}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := ParseArguments(text)
		if len(bytes.Trim(text, " \t\r\n")) == 0 {
			if got != nil || err != nil {
				t.Fatalf("%v, %v", got, err)
			}
			return
		}
		want, valid := reference(text)
		if !valid {
			if err == nil {
				t.Fatalf("%q is accepted: %v", text, got)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if got.Get(name) != value {
				t.Errorf("%q is %q, want %q", name, got.Get(name), value)
			}
		}
		for _, field := range got {
			if _, ok := want[field.Name]; !ok {
				t.Errorf("%q is too much", field.Name)
			}
		}
	})
}

// reference reads the arguments with the library. They are valid if they are an object of strings alone.
func reference(text []byte) (map[string]string, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if !json.Valid(text) {
		return nil, false
	}
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, false
	}
	args := map[string]string{}
	for decoder.More() {
		name, _ := decoder.Token()
		value, _ := decoder.Token()
		s, ok := value.(string)
		if !ok {
			return nil, false
		}
		args[name.(string)] = s
	}
	return args, true
}
