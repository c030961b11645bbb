package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"mwan3/uci"
)

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	file := filepath.Join(f.TempDir(), "mwan3")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, faults, err := Load(uci.Layers{Files: []string{file}})
		if err != nil {
			t.Skip(err)
		}
		for _, fault := range faults {
			if fault.Want == "" || fault.String() == "" {
				t.Errorf("%#v", fault)
			}
		}
		checkGlobals(t, cfg.Globals)
		checkInterfaces(t, cfg)
		checkPolicies(t, cfg)
		for _, rule := range cfg.Rules {
			checkRule(t, cfg, rule)
		}
	})
}

func checkGlobals(t *testing.T, g Globals) {
	if ones := g.Mask.Ones(); ones < minMaskBits || ones > maxMaskBits {
		t.Errorf("mask %#x", uint32(g.Mask))
	}
	for _, table := range g.RTTableLookup {
		if table <= 0 {
			t.Error("table", table)
		}
	}
}

func checkInterfaces(t *testing.T, cfg Config) {
	highest := cfg.Globals.Mask.MaxID()
	for i, iface := range cfg.Interfaces {
		id := i + 1
		if id > highest {
			id = 0
		}
		if iface.ID != id || iface.Enabled && iface.ID == 0 {
			t.Errorf("interface %d of %d: id %d, enabled %v", i, highest, iface.ID, iface.Enabled)
		}
		w := iface.Tracking
		if w.Reliability < 1 || w.Count < 1 || w.Down < 1 || w.Up < 1 || w.MaxTTL < 1 || w.Timeout < minTimeout ||
			min(w.Interval, w.FailureInterval, w.RecoveryInterval) < minInterval {
			t.Errorf("tracking %+v", w)
		}
		if w.TimeoutMax < w.Timeout || w.QualityWindow < 1 || w.QualityWindow > maxWindow ||
			min(w.FailureJitter, w.RecoveryJitter, w.FlapDamping) < 0 {
			t.Errorf("judging %+v", w)
		}
		if iface.InitialOffline && len(w.Targets) == 0 {
			t.Error("an interface that can never be online")
		}
		if g := iface.Gateway; g.IsValid() && familyOf(g) != iface.Family {
			t.Error("gateway", g)
		}
	}
}

func checkPolicies(t *testing.T, cfg Config) {
	for _, policy := range cfg.Policies {
		if !isSpecial(string(policy.LastResort)) {
			t.Errorf("policy %+v", policy)
		}
		for _, m := range policy.Members {
			if _, ok := cfg.Interface(m.Interface); !ok || m.Weight < 1 || m.Metric < 0 || m.Metric > maxMetric {
				t.Errorf("member %+v", m)
			}
		}
	}
}

func checkRule(t *testing.T, cfg Config, r Rule) {
	if (r.Policy == "") == (r.Special == "") || r.Special != "" && (!isSpecial(string(r.Special)) || r.Sticky) {
		t.Errorf("destinations %q and %q", r.Policy, r.Special)
	}
	if len(r.Families) == 0 || r.Log && !cfg.Globals.Logging {
		t.Errorf("rule %+v", r)
	}
	for _, a := range []Addresses{r.Src, r.Dst} {
		for _, prefix := range a.Prefixes {
			if prefix != prefix.Masked() || len(r.Families) != 1 || r.Families[0] != familyOf(prefix.Addr()) {
				t.Errorf("%v in %v", prefix, r.Families)
			}
		}
		if a.Not && len(a.Prefixes) == 0 {
			t.Error("not in nothing")
		}
	}
	for _, ports := range [][]Ports{r.SrcPorts, r.DstPorts} {
		for _, p := range ports {
			if p.First > p.Last || r.Proto != ProtoTCP && r.Proto != ProtoUDP {
				t.Errorf("ports %v of protocol %d", p, r.Proto)
			}
		}
	}
}
