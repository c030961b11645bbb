package iptables

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/network"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func rendered(p testPlan) string {
	return Render(p.marking, network.IPv4) + Render(p.marking, network.IPv6)
}

func TestEachPlanIsWrittenAsItsGoldenShows(t *testing.T) {
	t.Parallel()
	for _, p := range plans() {
		file := filepath.Join("testdata", p.name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(rendered(p)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), rendered(p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.name, diff)
		}
	}
}

// sameRules brings a table's text into an order that does not depend on who wrote it: the chains by name, the
// rules of each in theirs. Both iptables-save and iptables -S are understood.
func sameRules(text string, f func(line string) string) []string {
	var list []string
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "-A ") {
			list = append(list, f(line))
			continue
		}
		for _, prefix := range []string{":", "-N "} {
			if name, found := strings.CutPrefix(line, prefix); found && strings.HasPrefix(name, ours) {
				name, _, _ = strings.Cut(name, " ")
				list = append(list, "-N "+name)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(chainOf(a), chainOf(b)) })
	return list
}

func chainOf(line string) string { return strings.Join(strings.Fields(line)[:2], " ") }

func unchanged(line string) string { return line }
