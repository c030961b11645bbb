package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/apply"
	"mwan3/config"
	"mwan3/health"
	"mwan3/network"
	"mwan3/plan"
	"mwan3/ubus"
)

// sight is a router whose interfaces are known and whose state files lie in a directory of the test's own.
func sight(t *testing.T, cfg config.Config, interfaces map[string]network.Interface) *view {
	t.Helper()
	dir := t.TempDir()
	r := &router{
		cfg:    cfg,
		health: health.Store{Dir: filepath.Join(dir, "mwan3"), TrackDir: filepath.Join(dir, "mwan3track")},
		record: apply.Record{Dir: filepath.Join(dir, "mwan3")},
	}
	in := plan.Inputs{Config: cfg, Network: network.State{Interfaces: interfaces, Families: network.Families[:]},
		Health: health.States{"wan": health.Online}}
	return &view{router: r, ctx: context.Background(), families: network.Families[:], in: &in}
}

// put writes a state file below a tracker's directory.
func put(t *testing.T, v *view, name, text string) {
	t.Helper()
	file := filepath.Join(v.health.TrackDir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// twoUplinks has a tracked interface and, before it, one that is disabled.
func twoUplinks() config.Config {
	return config.Config{Interfaces: []config.Interface{
		{Name: "wanb", ID: 1, Tracking: config.Tracking{Targets: []string{"198.51.100.10"}}},
		{Name: "wan", ID: 2, Enabled: true, Tracking: config.Tracking{Targets: []string{"198.51.100.10", "host.example"}}},
	}}
}

// answerOf is what rpcd would read for the arguments, one field in a line.
func answerOf(t *testing.T, v *view, arguments string) string {
	t.Helper()
	q, err := questionOf([]byte(arguments))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := q.answer(v)
	var lines bytes.Buffer
	if err := errors.Join(err, json.Indent(&lines, ubus.AppendJSON(nil, answer), "", " ")); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}

const disabledUplink = `  "wanb": {
   "age": 0,
   "online": 0,
   "offline": 0,
   "uptime": 0,
   "score": 0,
   "lost": 0,
   "turn": 0,
   "status": "unknown",
   "enabled": false,
   "running": false,
   "tracking": "down",
   "up": false,
   "track_ip": [
    {
     "ip": "198.51.100.10",
     "status": "unknown",
     "latency": 0,
     "packetloss": 0,
     "jitter": 0
    }
   ],
   "routed": false,
   "latency": 0,
   "packetloss": 0,
   "jitter": 0
  }`

const nothingLoaded = ` "connected": {
  "ipv4": [],
  "ipv6": []
 },
 "policies": {
  "ipv4": {},
  "ipv6": {}
 }`

func TestARouterThatNeverRanHasAllSectionsOfTheConfig(t *testing.T) {
	v := sight(t, config.Config{Interfaces: twoUplinks().Interfaces[:1]}, nil)
	want := "{\n \"interfaces\": {\n" + disabledUplink + "\n },\n" + nothingLoaded + "\n}"
	if diff := cmp.Diff(want, answerOf(t, v, "{}")); diff != "" {
		t.Error(diff)
	}
}

func TestAnInterfaceIsShownAsItsTrackerAndNetifdTellIt(t *testing.T) {
	v := sight(t, twoUplinks(), map[string]network.Interface{
		"wan":   {Name: "wan"},
		"wan_4": {Name: "wan_4", Up: true, Uptime: 4294967295}, // more than LuCI's numbers have room for
	})
	for name, text := range map[string]string{"STATUS": "online", "STARTED": "1", "ONLINE": "1", "OFFLINE": "0", "LOST": "2",
		"SCORE": "10", "TURN": "7", "TIME": "2147483647", "LATENCY": "24", "LOSS": "50", "JITTER": "3",
		"TRACK_198.51.100.10": "up", "LATENCY_198.51.100.10": "12", "LOSS_198.51.100.10": "1", "JITTER_198.51.100.10": "4",
		"TRACK_host.example": "skipped"} {
		put(t, v, "wan/"+name, text+"\n")
	}
	answer := answerOf(t, v, `{"section":"interfaces","interface":"wan"}`)
	online := uptime() - 1
	want := fmt.Sprintf(`{
 "interfaces": {
  "wan": {
   "age": 0,
   "online": %d,
   "offline": 0,
   "uptime": 2147483647,
   "score": 10,
   "lost": 2,
   "turn": 7,
   "status": "online",
   "enabled": true,
   "running": false,
   "tracking": "down",
   "up": true,
   "track_ip": [
    {
     "ip": "198.51.100.10",
     "status": "up",
     "latency": 12,
     "packetloss": 1,
     "jitter": 4
    },
    {
     "ip": "host.example",
     "status": "skipped",
     "latency": 0,
     "packetloss": 0,
     "jitter": 0
    }
   ],
   "routed": true,
   "latency": 24,
   "packetloss": 50,
   "jitter": 3
  }
 }
}`, online)
	answer = strings.Replace(answer, fmt.Sprintf(`"online": %d,`, online-1), fmt.Sprintf(`"online": %d,`, online), 1) // a second passed
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Error(diff)
	}
}

func TestSectionsAreInTheOrderOfTheConfig(t *testing.T) {
	v := sight(t, twoUplinks(), nil)
	answer := answerOf(t, v, "")
	if strings.Index(answer, `"wanb"`) > strings.Index(answer, `"wan"`) {
		t.Error("wan comes before wanb")
	}
	for _, pair := range [][2]string{{"interfaces", "connected"}, {"connected", "policies"}} {
		if strings.Index(answer, pair[0]) > strings.Index(answer, pair[1]) {
			t.Errorf("%s comes after %s", pair[0], pair[1])
		}
	}
}

func TestTheArgumentsSelectWhatIsShown(t *testing.T) {
	for arguments, want := range map[string]string{
		``:                          `interfaces[wanb wan] connected policies`,
		`{}`:                        `interfaces[wanb wan] connected policies`,
		`{"section":"interfaces"}`:  `interfaces[wanb wan]`,
		`{"section":"connected"}`:   `connected`,
		`{"section":"policies"}`:    `policies`,
		`{"section":""}`:            `interfaces[wanb wan] connected policies`,
		`{"section":"everything"}`:  `interfaces[wanb wan] connected policies`,
		`{"interface":"wan"}`:       `interfaces[wan] connected policies`,
		`{"interface":""}`:          `interfaces[wanb wan] connected policies`,
		`{"interface":"wan6"}`:      `interfaces[] connected policies`,
		`{"interface":"wan\u0000"}`: `interfaces[] connected policies`,
		`{"section":"interfaces","interface":"wan","ubus_rpc_session":"00000000000000000000000000000000"}`: `interfaces[wan]`,
		`{"section":"connected","interface":"wan"}`:                                                        `connected`,
	} {
		q, err := questionOf([]byte(arguments))
		if err != nil {
			t.Errorf("%s: %v", arguments, err)
			continue
		}
		answer, err := q.answer(sight(t, twoUplinks(), nil))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, outline(answer)); diff != "" {
			t.Errorf("%s: %s", arguments, diff)
		}
	}
}

// outline names what is in an answer.
func outline(answer ubus.Table) string {
	var parts []string
	for _, section := range answer {
		part := section.Name
		if part == "interfaces" {
			var names []string
			for _, iface := range section.Value.(ubus.Table) {
				names = append(names, iface.Name)
			}
			part += fmt.Sprint(names)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func TestWrongArgumentsAreAnsweredWithWhatIsNoObject(t *testing.T) {
	for arguments, want := range map[string]string{
		`{"interfaces":"wan"}`:  `argument "interfaces": want section or interface`,
		`{"policies":"true"}`:   `argument "policies": want section or interface`,
		`{"section":true}`:      `argument "section": want a string`,
		`{"section":null}`:      `argument "section": want a string`,
		`{"interface":["wan"]}`: `argument "interface": want a string`,
		`{"section":"x"`:        `argument "section": want a comma or the end of the object after it`,
		`[]`:                    `arguments: want a JSON object`,
		`garbage`:               `arguments: want a JSON object`,
	} {
		var out, stderr bytes.Buffer
		c := cli{ctx: context.Background(), out: &out, err: &stderr}
		err := c.answer(strings.NewReader(arguments))
		if err != exitCode(1) || out.String() != want+"\n" || json.Valid(out.Bytes()) {
			t.Errorf("%s: %v, %q; want %s", arguments, err, &out, want)
		}
	}
}

func TestThePluginListsItsMethodAndRefusesOthers(t *testing.T) {
	for _, test := range []struct {
		args      []string
		code      int
		out, fail string
	}{
		{[]string{"rpcd", "list"}, 0, `{"status":{"section":"x","interface":"x"}}` + "\n", ""},
		{[]string{"rpcd", "call", "reload"}, 1, "", "mwan3: " + errPluginUsage.Error() + "\n"},
		{[]string{"rpcd", "call"}, 1, "", "mwan3: " + errPluginUsage.Error() + "\n"},
		{[]string{"rpcd"}, 1, "", "mwan3: " + errPluginUsage.Error() + "\n"},
	} {
		var out, stderr bytes.Buffer
		code := cli{ctx: context.Background(), out: &out, err: &stderr}.run(test.args)
		if code != test.code || out.String() != test.out || stderr.String() != test.fail {
			t.Errorf("%v: %d %q %q", test.args, code, &out, &stderr)
		}
	}
}

func TestAnInterfaceThatIsUsedWithoutATrackerIsNotTracking(t *testing.T) {
	enabled := interfaceView{section: config.Interface{Enabled: true}, tracking: "disabled",
		record: health.Record{Status: health.StatusUnknown}}
	disabled := enabled
	disabled.section.Enabled = false
	for _, test := range []struct {
		iface   interfaceView
		running bool
		want    string
	}{{enabled, true, "notracking"}, {enabled, false, "unknown"}, {disabled, true, "unknown"}} {
		if got := statusWord(test.iface, test.running); got != test.want {
			t.Errorf("enabled %v, running %v: %s, want %s", test.iface.section.Enabled, test.running, got, test.want)
		}
	}
}

func TestSharesThatSomebodyEditedStayPercentages(t *testing.T) {
	policy := plan.PolicyView{Name: "p", Members: []plan.MemberView{
		{Interface: "wan\xff", Percent: 9000}, {Interface: "wanb", Percent: -1}, {Interface: "wanc", Percent: 33}}}
	got := string(ubus.AppendJSON(nil, sharesOf(policy)))
	want := `[{"interface":"wan` + "\ufffd" + `","percent":100},{"interface":"wanb","percent":0},{"interface":"wanc","percent":33}]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
