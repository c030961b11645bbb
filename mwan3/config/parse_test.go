package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/network"
	"mwan3/uci"
)

// section makes a section with options from name, value pairs.
func section(kind, name string, pairs ...string) uci.Section {
	s := uci.Section{Type: kind, Name: name}
	for i := 0; i < len(pairs); i += 2 {
		s.Options = append(s.Options, uci.Option{Name: pairs[i], Values: []uci.Value{{Text: pairs[i+1]}}})
	}
	return s
}

func TestAnEmptyConfigurationIsComplete(t *testing.T) {
	t.Parallel()
	cfg, faults := Parse(nil)
	want := Config{Globals: Globals{Mask: DefaultMask, LogLevel: "notice", Backend: Auto}}
	if diff := cmp.Diff(want, cfg); diff != "" || len(faults) > 0 {
		t.Error(diff, faults)
	}
}

func TestEveryFieldHasItsValue(t *testing.T) {
	t.Parallel()
	cfg, faults := Parse([]uci.Section{
		section("globals", "globals", "mmx_mask", "0xff", "rt_table_lookup", "220", "logging", "1", "loglevel", "info",
			"source_routing", "1", "backend", "iptables"),
		section("interface", "wan6", "enabled", "1", "family", "ipv6", "initial_state", "offline",
			"track_ip", "2001:db8::1", "track_method", "httping", "httping_ssl", "1", "track_port", "8443",
			"nslookup_name", "dns.example", "http_path", "/x?y", "http_status", "200", "reliability", "1", "count", "2",
			"size", "100", "max_ttl", "64", "timeout", "2", "interval", "5", "failure_interval", "1",
			"recovery_interval", "3", "keep_failure_interval", "1", "down", "3", "up", "8", "check_quality", "1",
			"failure_latency", "900", "failure_loss", "30", "recovery_latency", "400", "recovery_loss", "5",
			"timeout_max", "8", "quality_window", "20", "failure_jitter", "80", "recovery_jitter", "30", "flap_damping", "5m",
			"flush_conntrack", "connected", "device", "eth1", "gateway", "2001:db8::2"),
		section("member", "m", "interface", "wan6", "metric", "2", "weight", "3"),
		section("policy", "p", "use_member", "m", "last_resort", "default"),
		section("rule", "r", "family", "ipv4", "proto", "tcp", "src_ip", "192.0.2.0/24", "dest_ip", "!198.51.100.1",
			"src_port", "1:2", "dest_port", "3", "src_iface", "lan", "ipset", "s", "sticky", "1", "timeout", "60",
			"use_policy", "p", "logging", "1"),
	})
	want := Config{
		Globals: Globals{Mask: 0xff, RTTableLookup: []int{220}, Logging: true, LogLevel: "info", SourceRouting: true,
			Backend: IPTables},
		Interfaces: []Interface{{
			Name: "wan6", ID: 1, Enabled: true, Family: network.IPv6, InitialOffline: true,
			Tracking: Tracking{
				Targets: []string{"2001:db8::1"}, Method: HTTPing, HTTPingSSL: true, Reliability: 1, Count: 2, Size: 100,
				MaxTTL: 64, Timeout: 2 * time.Second, Port: 8443, NSLookupName: "dns.example", HTTPPath: "/x?y", HTTPStatus: 200,
				Interval: 5 * time.Second, FailureInterval: time.Second,
				RecoveryInterval: 3 * time.Second, KeepFailureInterval: true, Down: 3, Up: 8, CheckQuality: true,
				FailureLatency: 900 * time.Millisecond, FailureLoss: 30,
				RecoveryLatency: 400 * time.Millisecond, RecoveryLoss: 5, TimeoutMax: 8 * time.Second, QualityWindow: 20,
				FailureJitter: 80 * time.Millisecond, RecoveryJitter: 30 * time.Millisecond, FlapDamping: 5 * time.Minute,
			},
			FlushConntrack: []Event{EventConnected}, Device: "eth1", Gateway: netip.MustParseAddr("2001:db8::2"),
		}},
		Policies: []Policy{{"p", []Member{{"m", "wan6", 2, 3}}, Default}},
		Rules: []Rule{{
			Name: "r", Families: []network.Family{network.IPv4}, Proto: ProtoTCP,
			Src:      Addresses{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
			Dst:      Addresses{Not: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}},
			SrcPorts: []Ports{{1, 2}}, DstPorts: []Ports{{3, 3}}, SrcIface: "lan", Set: "s", Sticky: true,
			Timeout: time.Minute, Log: true, Policy: "p",
		}},
	}
	byString := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	byAddr := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff(want, cfg, byString, byAddr); diff != "" || len(faults) > 0 {
		t.Errorf("%v -want +got\n%s", faults, diff)
	}
}

func TestLoadTellsThatThereIsNoConfiguration(t *testing.T) {
	t.Parallel()
	_, _, err := Load(uci.Layers{Files: []string{filepath.Join(t.TempDir(), "mwan3")}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestASectionWhoseNameIsTakenIsNotUsed(t *testing.T) {
	t.Parallel()
	cfg, faults := Parse([]uci.Section{
		section("interface", "wan", "enabled", "1"), section("interface", "wan", "enabled", "1"),
		section("member", "m", "interface", "wan"), section("member", "m", "interface", "wan", "weight", "2"),
		section("policy", "p", "use_member", "m"), section("policy", "p", "use_member", "m"),
		section("rule", "r", "use_policy", "p"), section("rule", "r", "use_policy", "p"),
	})
	want := `globals mask=0x3f00
interface wan id=1 ipv4
interface wan id=2 ipv4 disabled
policy p wan(m m1 w1) else unreachable
rule r -> p
`
	if diff := cmp.Diff(want, dump(cfg)); diff != "" {
		t.Error(diff)
	}
	for _, f := range faults {
		if f.Want != "another name: this one is taken; the section is not used" {
			t.Error(f)
		}
	}
	if len(faults) != 4 {
		t.Error(faults)
	}
}

func TestMaskForms(t *testing.T) {
	t.Parallel()
	right := map[string]Mask{
		"": 0x3f00, "0x3F00": 0x3f00, "0X3f00": 0x3f00, "0x00003f00": 0x3f00, "16128": 0x3f00, "037400": 0x3f00,
		"0xff000000": 0xff000000, "0xAA00": 0xaa00, "0x7": 7, "0x3fff": 0x3fff,
	}
	for text, want := range right {
		cfg, faults := Parse([]uci.Section{section("globals", "globals", "mmx_mask", text)})
		if cfg.Globals.Mask != want || len(faults) > 0 {
			t.Errorf("%q: %#x, want %#x; %v", text, uint32(cfg.Globals.Mask), uint32(want), faults)
		}
	}
	wrong := []string{"0x0", "0", "0x3", "0x7fff", "0x1ff000000", "mask", "0b111", "0o77", "0x3f_00", "-1", "089", "3F00"}
	for _, text := range wrong {
		cfg, faults := Parse([]uci.Section{section("globals", "globals", "mmx_mask", text)})
		if cfg.Globals.Mask != DefaultMask || len(faults) != 1 {
			t.Errorf("%q: %#x, %v", text, uint32(cfg.Globals.Mask), faults)
		}
	}
}

func TestDurationForms(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"1": time.Second, "010": 10 * time.Second, "0.2": 200 * time.Millisecond, ".5": 500 * time.Millisecond,
		"200ms": 200 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "2m": 2 * time.Minute, "1h": time.Hour,
	}
	for text, want := range tests {
		if d, ok := parseDuration(text); d != want || !ok {
			t.Errorf("%q: %s, %v", text, d, ok)
		}
	}
	for _, text := range []string{".", "1.2.3", "1,5", "5 s", "s", "1d", "ten", "9999999999999999999"} {
		if d, ok := parseDuration(text); ok {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestProtocolNames(t *testing.T) {
	t.Parallel()
	tests := map[string]Proto{
		"": 0, "all": 0, "ip": 0, "0": 0, "tcp": 6, "TCP": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "esp": 50,
		"ah": 51, "gre": 47, "igmp": 2, "ipip": 94, "sctp": 132, "udplite": 136, "ospf": 89, "vrrp": 112, "l2tp": 115,
		"255": 255,
	}
	for text, want := range tests {
		if proto, ok := parseProto(text); proto != want || !ok {
			t.Errorf("%q: %d, %v", text, proto, ok)
		}
	}
	for _, text := range []string{"256", "-1", "!tcp", "tcpudp", "tcp udp", "0x6"} {
		if proto, ok := parseProto(text); ok {
			t.Errorf("%q: %d", text, proto)
		}
	}
}

func TestLogLevelForms(t *testing.T) {
	t.Parallel()
	tests := map[string]LogLevel{"": "notice", "debug": "debug", "warn": "warning", "ERR": "error", "0": "emerg", "7": "debug"}
	for text, want := range tests {
		cfg, faults := Parse([]uci.Section{section("globals", "globals", "loglevel", text)})
		if cfg.Globals.LogLevel != want || len(faults) > 0 {
			t.Errorf("%q: %s, %v", text, cfg.Globals.LogLevel, faults)
		}
	}
	if _, faults := Parse([]uci.Section{section("globals", "globals", "loglevel", "8")}); len(faults) != 1 {
		t.Error(faults)
	}
}
