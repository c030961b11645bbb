package reply

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mwan3/config"
	"mwan3/network"
)

// full has another value in each field of the config's tracking.
func full() Settings {
	var s Settings
	s.Interface = config.Interface{ID: 7, Family: network.IPv6, InitialOffline: true, Device: "a b\n\"c\"",
		Gateway: netip.MustParseAddr("fe80::1%eth0")}
	s.Mask = 0x3f00
	tracking := reflect.ValueOf(&s.Interface.Tracking).Elem()
	for i := range tracking.NumField() {
		switch f := tracking.Field(i); f.Kind() {
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(100 + i))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("text of " + tracking.Type().Field(i).Name)
		}
	}
	s.Interface.Tracking.Targets = []string{"192.0.2.7", "", "a b", "two\nlines", `"`, "ü\x00\xff"}
	s.Interface.Tracking.Interval = 200 * time.Millisecond
	return s
}

var addresses = cmpopts.EquateComparable(netip.Addr{})

func TestSettingsCome(t *testing.T) {
	want := full()
	tracking := reflect.ValueOf(want.Interface.Tracking)
	for i := range tracking.NumField() {
		if tracking.Field(i).IsZero() {
			t.Fatalf("the test does not set %s", tracking.Type().Field(i).Name)
		}
	}
	for _, want := range []Settings{want, {}} {
		got, err := ParseSettings(want.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, addresses); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPathsCome(t *testing.T) {
	for _, want := range []Path{{}, {Up: true, Family: network.IPv6, Device: "pppoe-wan", Index: 9,
		Source: netip.MustParseAddr("2001:db8::1"), Guessed: true, Mark: 0xffffffff, Gateway: netip.MustParseAddr("fe80::1")}} {
		got, err := ParsePath(want.String())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, addresses); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAPathIsText(t *testing.T) {
	path := Path{Up: true, Device: "eth 1", Index: 3, Source: netip.MustParseAddr("192.0.2.1"), Mark: 0x3f00}
	want := "up true\nfamily ipv4\ndevice \"eth 1\"\nindex 3\nsource 192.0.2.1\nguessed false\nmark 0x3f00\ngateway \n"
	if diff := cmp.Diff(want, path.String()); diff != "" {
		t.Error(diff)
	}
}

func TestReasonsCome(t *testing.T) {
	for _, want := range []Untracked{{Reason: "it is \"off\"\n"}, {Reason: "no targets", Fine: true}} {
		_, err := ParseSettings(want.String())
		var got Untracked
		if !errors.As(err, &got) || got != want {
			t.Errorf("%#v came as %#v", want, err)
		}
	}
}

func TestGarbageIsNamed(t *testing.T) {
	good := Path{Up: true}.String()
	for _, test := range []struct{ text, want string }{
		{"", `no line "up"`},
		{"mwan3: no such command\n", `line 1: "mwan3: no such command" is unknown`},
		{strings.TrimSuffix(good, "gateway \n"), `no line "gateway"`},
		{strings.TrimSuffix(good, "\n"), `line 8: "gateway " is cut off`},
		{good + "up true\n", `line 9: "up" has come before`},
		{good + "\n", `line 9: "" is unknown`},
		{good + "new 1\n", `line 9: "new 1" is unknown`},
		{"up yes\n", `line 1: "up yes": strconv.ParseBool: parsing "yes": invalid syntax`},
		{"family ipv5\n", `line 1: "family ipv5": neither ipv4 nor ipv6`},
		{"device eth0\n", `line 1: "device eth0": invalid syntax`},
		{"mark 0x100000000\n", `line 1: "mark 0x100000000": strconv.ParseUint: parsing "0x100000000": value out of range`},
		{"source 1.2.3\n", `line 1: "source 1.2.3": ParseAddr("1.2.3"): IPv4 address too short`},
	} {
		if got, err := ParsePath(test.text); err == nil || err.Error() != test.want || got != (Path{}) {
			t.Errorf("%q: %+v, %v; want %s", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"untracked \"x\"\n", "untracked x\nfine true\n", "interval 1\n", "target x\n"} {
		if _, err := ParseSettings(text); err == nil || errors.As(err, &Untracked{}) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzWhatIsReadIsWrittenAlike(f *testing.F) {
	f.Add(full().String())
	f.Add(Settings{}.String())
	f.Add(Untracked{Reason: "off", Fine: true}.String())
	f.Add(Path{Up: true, Device: "eth0"}.String())
	f.Add("target \"a\"\ntarget \"\\n\"\nid 08\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseSettings(text); err == nil {
			again, err := ParseSettings(s.String())
			if diff := cmp.Diff(s, again, addresses); diff != "" || err != nil {
				t.Error(err, diff)
			}
		}
		if p, err := ParsePath(text); err == nil {
			if again, err := ParsePath(p.String()); again != p || err != nil {
				t.Error(err, p, again)
			}
		}
	})
}
