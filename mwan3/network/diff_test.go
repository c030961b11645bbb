package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func plain(table int, dst, gateway string) Route {
	r := Route{Table: table, Type: Unicast, Dst: prefix(dst), Device: "wan0", Protocol: 4}
	if r.Dst.Addr().Is6() {
		r.Family, r.Metric = IPv6, 256
	}
	if gateway != "" {
		r.Gateway = addr(gateway)
	}
	return r
}

func TestDiffOfRoutesKeepsOrderAndToleratesDuplicates(t *testing.T) {
	a, b, c := plain(1, "0.0.0.0/0", "192.0.2.1"), plain(1, "198.51.100.0/24", ""), plain(2, "0.0.0.0/0", "192.0.2.1")
	d, e := plain(1, "0.0.0.0/0", "192.0.2.9"), plain(3, "203.0.113.0/24", "")
	tests := []struct {
		name                 string
		have, want, add, del []Route
	}{
		{name: "nothing at all"},
		{name: "nothing to do", have: []Route{a, b}, want: []Route{b, a}},
		{name: "all is new", want: []Route{c, a, b}, add: []Route{c, a, b}},
		{name: "all must go", have: []Route{c, a, b}, del: []Route{c, a, b}},
		{name: "another gateway", have: []Route{a, b}, want: []Route{b, d}, add: []Route{d}, del: []Route{a}},
		{name: "equal but for the table", have: []Route{a}, want: []Route{c}, add: []Route{c}, del: []Route{a}},
		{name: "wanted twice", want: []Route{e, a, e}, add: []Route{e, a}},
		{name: "wanted twice and there", have: []Route{a}, want: []Route{a, a}},
		{name: "there twice", have: []Route{a, b, a}, want: []Route{b}, del: []Route{a, a}},
		{name: "there twice and wanted", have: []Route{a, a}, want: []Route{a}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			add, del := DiffRoutes(test.have, test.want)
			compare(t, "add", add, test.add)
			compare(t, "del", del, test.del)
		})
	}
}

func compare(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(prefix("0.0.0.0/0"), addr("::")), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEveryFieldMakesADifferentRoute(t *testing.T) {
	base := Route{Family: IPv6, Table: 1, Type: Unicast, Dst: prefix("2001:db8::/32"), Metric: 5, Protocol: 2, Nexthops: []Nexthop{{Device: "a", Weight: 1}}}
	changes := map[string]func(r *Route){
		"family":   func(r *Route) { r.Family = IPv4 },
		"table":    func(r *Route) { r.Table = 2 },
		"type":     func(r *Route) { r.Type = Local },
		"dst":      func(r *Route) { r.Dst = prefix("2001:db8::/33") },
		"src":      func(r *Route) { r.Src = prefix("2001:db8:1::/48") },
		"gateway":  func(r *Route) { r.Gateway = addr("2001:db8::1") },
		"device":   func(r *Route) { r.Device = "wan0" },
		"onlink":   func(r *Route) { r.OnLink = true },
		"metric":   func(r *Route) { r.Metric = 6 },
		"protocol": func(r *Route) { r.Protocol = 4 },
		"scope":    func(r *Route) { r.Scope = 253 },
		"tos":      func(r *Route) { r.TOS = 8 },
		"prefsrc":  func(r *Route) { r.PrefSrc = addr("2001:db8::2") },
		"pref":     func(r *Route) { r.Pref = 1 },
		"opaque":   func(r *Route) { r.Opaque = "x" },
		"no hops":  func(r *Route) { r.Nexthops = nil },
		"weight":   func(r *Route) { r.Nexthops = []Nexthop{{Device: "a", Weight: 2}} },
	}
	for name, change := range changes {
		changed := base
		change(&changed)
		if changed.Equal(base) || !changed.Equal(changed) {
			t.Errorf("%s: Equal does not see it", name)
		}
		add, del := DiffRoutes([]Route{base}, []Route{changed})
		compare(t, name+": add", add, []Route{changed})
		compare(t, name+": del", del, []Route{base})
	}
}

func TestTheFirstOfTwoIPv6RoutesThatCannotStandTogetherWins(t *testing.T) {
	first, second := plain(1, "::/0", "2001:db8::1"), plain(1, "::/0", "2001:db8::2")
	onLink := plain(1, "::/0", "")
	add, del := DiffRoutes([]Route{second}, []Route{first, second, onLink, first})
	compare(t, "add", add, []Route{first, onLink})
	compare(t, "del", del, []Route{second})
	add, del = DiffRoutes([]Route{first}, []Route{first, second})
	compare(t, "add", add, []Route(nil))
	compare(t, "del", del, []Route(nil))
}

func TestTwoIPv4RoutesOfOneMetricAreBothWanted(t *testing.T) {
	first, second := plain(1, "0.0.0.0/0", "192.0.2.1"), plain(1, "0.0.0.0/0", "192.0.2.2")
	add, _ := DiffRoutes(nil, []Route{first, second})
	compare(t, "add", add, []Route{first, second})
}

func TestDiffOfRulesKeepsOrderAndToleratesDuplicates(t *testing.T) {
	a, b := Rule{Priority: 1001, InDevice: "wan0", Table: 1}, Rule{Priority: 2001, Mark: 0x100, Mask: 0x3f00, Table: 1}
	c := Rule{Family: IPv6, Priority: 1001, InDevice: "wan0", Table: 1}
	add, del := DiffRules([]Rule{a, b, a}, []Rule{c, b, b, c})
	compare(t, "add", add, []Rule{c})
	compare(t, "del", del, []Rule{a, a})
	add, del = DiffRules([]Rule{a, b}, []Rule{b, a})
	compare(t, "add", add, []Rule(nil))
	compare(t, "del", del, []Rule(nil))
}

func TestWhatAnIPv6RouteLeavesToTheKernelIsNoDifference(t *testing.T) {
	open := plain(1, "::/0", "2001:db8::1")
	open.Metric, open.Protocol = 0, 0
	listed := open
	listed.Metric, listed.Protocol = 1024, 3
	add, del := DiffRoutes(nil, []Route{open, listed})
	compare(t, "add", add, []Route{listed})
	compare(t, "del", del, []Route(nil))
	add, del = DiffRoutes([]Route{listed}, []Route{open})
	compare(t, "add", add, []Route(nil))
	compare(t, "del", del, []Route(nil))
}
