package config

import (
	"fmt"
	"strings"
	"time"

	"mwan3/network"
)

// dump prints a configuration, one line for each section that is left. Of the options of an interface and of globals
// it prints those that differ from their defaults.
func dump(cfg Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "globals mask=%#x%s\n", uint32(cfg.Globals.Mask), dumpGlobals(cfg.Globals))
	for _, iface := range cfg.Interfaces {
		fmt.Fprintf(&b, "interface %s id=%d %s%s\n", iface.Name, iface.ID, iface.Family, dumpInterface(iface))
	}
	for _, policy := range cfg.Policies {
		fmt.Fprintf(&b, "policy %s", policy.Name)
		for _, m := range policy.Members {
			fmt.Fprintf(&b, " %s(%s m%d w%d)", m.Interface, m.Name, m.Metric, m.Weight)
		}
		fmt.Fprintf(&b, " else %s\n", policy.LastResort)
	}
	for _, rule := range cfg.Rules {
		fmt.Fprintf(&b, "rule %s%s\n", rule.Name, dumpRule(rule))
	}
	return b.String()
}

// fields collects name=value words.
type fields struct{ strings.Builder }

func (f *fields) add(differs bool, format string, args ...any) {
	if differs {
		fmt.Fprintf(f, " "+format, args...)
	}
}

func dumpGlobals(g Globals) string {
	var f fields
	f.add(len(g.RTTableLookup) > 0, "tables=%v", g.RTTableLookup)
	f.add(g.Logging, "logging")
	f.add(g.LogLevel != "notice", "loglevel=%s", g.LogLevel)
	f.add(g.SourceRouting, "source_routing")
	f.add(g.Backend != Auto, "backend=%s", g.Backend)
	return f.String()
}

func dumpInterface(i Interface) string {
	var f fields
	f.add(!i.Enabled, "disabled")
	f.add(i.InitialOffline, "offline at first")
	t := i.Tracking
	f.add(len(t.Targets) > 0, "targets=%v", t.Targets)
	f.add(t.Method != Ping, "%s", t.Method)
	f.add(t.HTTPingSSL, "ssl")
	f.add(t.Reliability != 1, "reliability=%d", t.Reliability)
	f.add(t.Count != 1, "count=%d", t.Count)
	f.add(t.Size != 56, "size=%d", t.Size)
	f.add(t.MaxTTL != 60, "ttl=%d", t.MaxTTL)
	f.add(t.Timeout != 4*time.Second, "timeout=%s", t.Timeout)
	f.add(t.TimeoutMax != t.Timeout, "timeout_max=%s", t.TimeoutMax)
	f.add(t.Port != defaultPort(t.Method, t.HTTPingSSL), "port=%d", t.Port)
	f.add(t.NSLookupName != "www.google.com", "name=%s", t.NSLookupName)
	f.add(t.HTTPPath != "/generate_204", "path=%s", t.HTTPPath)
	f.add(t.HTTPStatus != 204, "status=%d", t.HTTPStatus)
	f.add(t.Interval != 10*time.Second, "interval=%s", t.Interval)
	f.add(t.FailureInterval != t.Interval, "failing=%s", t.FailureInterval)
	f.add(t.RecoveryInterval != t.Interval, "recovering=%s", t.RecoveryInterval)
	f.add(t.KeepFailureInterval, "keep")
	f.add(t.Down != 5, "down=%d", t.Down)
	f.add(t.Up != 5, "up=%d", t.Up)
	f.add(t.CheckQuality, "quality=%s/%d%%..%s/%d%%", t.RecoveryLatency, t.RecoveryLoss, t.FailureLatency, t.FailureLoss)
	f.add(t.QualityWindow != 1, "window=%d", t.QualityWindow)
	f.add(t.FailureJitter != 0 || t.RecoveryJitter != 0, "jitter=%s..%s", t.RecoveryJitter, t.FailureJitter)
	f.add(t.FlapDamping != 0, "damping=%s", t.FlapDamping)
	f.add(len(i.FlushConntrack) > 0, "flush=%v", i.FlushConntrack)
	f.add(i.MoveFlows, "moves")
	f.add(i.EndOtherFlows, "ends")
	f.add(i.Device != "", "device=%s", i.Device)
	f.add(i.Gateway.IsValid(), "gateway=%s", i.Gateway)
	return f.String()
}

func dumpRule(r Rule) string {
	var f fields
	f.add(len(r.Families) != len(network.Families), "%v", r.Families)
	f.add(r.Proto != ProtoAll, "proto=%d", r.Proto)
	f.add(len(r.Src.Prefixes) > 0, "src=%s", dumpAddresses(r.Src))
	f.add(len(r.Dst.Prefixes) > 0, "dst=%s", dumpAddresses(r.Dst))
	f.add(len(r.SrcPorts) > 0, "sport=%v", r.SrcPorts)
	f.add(len(r.DstPorts) > 0, "dport=%v", r.DstPorts)
	f.add(r.SrcIface != "", "iif=%s", r.SrcIface)
	f.add(r.Set != "", "set=%s", r.Set)
	f.add(r.Sticky, "sticky=%s", r.Timeout)
	f.add(r.Log, "log")
	f.add(true, "-> %s%s", r.Policy, r.Special)
	return f.String()
}

func dumpAddresses(a Addresses) string {
	if a.Not {
		return fmt.Sprint("!", a.Prefixes)
	}
	return fmt.Sprint(a.Prefixes)
}
