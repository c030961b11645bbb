package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"mwan3/config"
	"mwan3/health"
	"mwan3/iptables"
	"mwan3/network"
	"mwan3/nft"
	"mwan3/plan"
	"mwan3/ubus"
	"mwan3/uci"
)

var update = flag.Bool("update", false, "rewrite the expected parts of testdata/print")

// TestPlan compares whole plans. Each file of testdata/print tells one story: prose, then the inputs (mwan3: UCI text;
// network.json: `ubus call network.interface dump`; routes: `ip route show table all` of both families; health: name
// and state; sets: name, family and members) and the parts of the plan that matter to it.
func TestPlan(t *testing.T) {
	files, err := filepath.Glob("testdata/print/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories in testdata/print", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { comparePlan(t, file) })
	}
}

func comparePlan(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Make(inputsOf(t, archive))
	for i, part := range archive.Files {
		got, ok := partOf(want, part.Name)
		if !ok {
			continue
		}
		if *update {
			archive.Files[i].Data = []byte(got)
		} else if diff := cmp.Diff(string(part.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", part.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// partOf prints one expected part of a plan.
func partOf(p plan.Plan, name string) (string, bool) {
	var b strings.Builder
	switch name {
	case "marking.nft":
		b.WriteString(nft.Render(p.Marking, p.Sets))
	case "marking.iptables":
		for _, part := range p.Marking.Families {
			b.WriteString(iptables.Render(p.Marking, part.Family))
		}
	case "rules":
		printRules(&b, p.Rules)
	case "tables":
		printTables(&b, p.Tables)
	case "sets":
		printSets(&b, p.Sets)
	case "notes":
		for _, note := range p.Notes {
			fmt.Fprintln(&b, note)
		}
	default:
		return "", false
	}
	return b.String(), true
}

func printSets(b *strings.Builder, sets []plan.Set) {
	for _, set := range sets {
		fmt.Fprintf(b, "%s%s %s:", set.Kind, set.Name, set.Family)
		for _, prefix := range set.Prefixes {
			fmt.Fprintf(b, " %s", prefix)
		}
		b.WriteByte('\n')
	}
}

// inputsOf reads the inputs of a story. Interfaces without a line in health are online.
func inputsOf(t *testing.T, archive *txtar.Archive) plan.Inputs {
	t.Helper()
	in := plan.Inputs{
		Network: network.State{Families: network.Families[:], OpenSets: true},
		Health:  health.States{},
	}
	for _, part := range archive.Files {
		switch text := string(part.Data); part.Name {
		case "mwan3":
			in.Config = configOf(t, text)
		case "network.json":
			in.Network.Interfaces = interfacesOf(t, part.Data)
		case "routes":
			in.Network.Routes = routesOf(t, text)
		}
	}
	for _, iface := range in.Config.Interfaces {
		in.Health[iface.Name] = health.Online
	}
	for _, part := range archive.Files {
		if part.Name == "health" {
			setHealth(t, in.Health, string(part.Data))
		}
	}
	return in
}

func setHealth(t *testing.T, states health.States, text string) {
	t.Helper()
	known := map[string]health.State{"online": health.Online, "offline": health.Offline, "down": health.Down}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		state, ok := known[words[1]]
		if !ok {
			t.Fatalf("health: %q: want online, offline or down", line)
		}
		states[words[0]] = state
	}
}

func configOf(t *testing.T, text string) config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mwan3")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(uci.Layers{Files: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func interfacesOf(t *testing.T, text []byte) map[string]network.Interface {
	t.Helper()
	var dump map[string]any
	if err := json.Unmarshal(text, &dump); err != nil {
		t.Fatal(err)
	}
	interfaces, err := ubus.InterfacesOf(tableOf(dump))
	if err != nil {
		t.Fatal(err)
	}
	return interfaces
}

func tableOf(object map[string]any) ubus.Table {
	var table ubus.Table
	for name, value := range object {
		table = append(table, ubus.Field{Name: name, Value: valueOf(value)})
	}
	return table
}

func valueOf(value any) ubus.Value {
	switch value := value.(type) {
	case map[string]any:
		return tableOf(value)
	case float64:
		return int64(value)
	case []any:
		var array ubus.Array
		for _, member := range value {
			array = append(array, valueOf(member))
		}
		return array
	}
	return value
}

// routesOf reads routes in the words of `ip route show table all`; a line that begins with -6 is IPv6.
func routesOf(t *testing.T, text string) []network.Route {
	t.Helper()
	var routes []network.Route
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		route, err := parseRoute(strings.Fields(line))
		if err != nil {
			t.Fatalf("routes: %q: %v", line, err)
		}
		routes = append(routes, route)
	}
	return routes
}

func parseRoute(words []string) (network.Route, error) {
	route := network.Route{Table: network.TableMain, Type: network.Unicast, Protocol: 3}
	if words[0] == "-6" {
		route.Family, words = network.IPv6, words[1:]
	}
	for kind := network.Local; kind <= network.Throw; kind++ {
		if words[0] == kind.String() {
			route.Type, words = kind, words[1:]
		}
	}
	var err error
	if route.Dst, err = parsePrefix(words[0], route.Family); err != nil {
		return route, err
	}
	for i := 1; i+1 < len(words); i += 2 {
		if err := setWord(&route, words[i], words[i+1]); err != nil {
			return route, err
		}
	}
	return route, nil
}

func setWord(route *network.Route, word, value string) (err error) {
	switch word {
	case "via":
		route.Gateway, err = netip.ParseAddr(value)
	case "dev":
		route.Device = value
	case "src":
		route.PrefSrc, err = netip.ParseAddr(value)
	case "from":
		route.Src, err = parsePrefix(value, route.Family)
	case "proto":
		route.Protocol = map[string]uint8{"kernel": 2, "static": 4, "ra": 9}[value]
	case "scope":
		route.Scope = map[string]uint8{"link": 253, "host": 254}[value]
	case "metric":
		var metric int
		metric, err = strconv.Atoi(value)
		route.Metric = uint32(metric)
	case "table":
		tables := map[string]int{"local": network.TableLocal}
		if route.Table = tables[value]; route.Table == 0 {
			route.Table, err = strconv.Atoi(value)
		}
	case "pref":
	default:
		err = fmt.Errorf("unknown word %q", word)
	}
	return err
}

func parsePrefix(word string, family network.Family) (netip.Prefix, error) {
	if word == "default" {
		return network.Everywhere(family), nil
	}
	if !strings.Contains(word, "/") {
		addr, err := netip.ParseAddr(word)
		return netip.PrefixFrom(addr, addr.BitLen()), err
	}
	return netip.ParsePrefix(word)
}
