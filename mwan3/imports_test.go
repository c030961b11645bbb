package main

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"mwan3/emulation"
)

// importTable says which packages of ours each package may import. Data flows one way: a new arrow is a change of this
// table first. Of the commands (the modules' main packages) mwan3 wires everything and may import all of mwan3's packages.
// The daemons ask it: mwan3track imports only the types of config; what decides is not to be linked into them.
var importTable = map[string][]string{
	"mwan3/network":   {},
	"mwan3/uci":       {},
	"mwan3/syslog":    {},
	"mwan3/config":    {"mwan3/uci", "mwan3/network"},
	"mwan3/health":    {},
	"mwan3/hotplug":   {},
	"mwan3/reply":     {"mwan3/config", "mwan3/network"},
	"mwan3/plan":      {"mwan3/config", "mwan3/network", "mwan3/health"},
	"mwan3/nft":       {"mwan3/plan", "mwan3/config", "mwan3/network"},
	"mwan3/iptables":  {"mwan3/plan", "mwan3/config", "mwan3/network", "mwan3/ipset"},
	"mwan3/ipset":     {"mwan3/plan", "mwan3/network"},
	"mwan3/iproute":   {"mwan3/network"},
	"mwan3/ubus":      {"mwan3/network"},
	"mwan3/conntrack": {},
	"mwan3/bind":      {"mwan3/network"},
	"mwan3/survey": {"mwan3/config", "mwan3/health", "mwan3/iproute", "mwan3/network", "mwan3/plan", "mwan3/ubus",
		"mwan3/uci"},
	"mwan3/apply":    {"mwan3/plan", "mwan3/config", "mwan3/network", "mwan3/iproute"},
	"mwan3/firewall": {"mwan3/apply", "mwan3/plan", "mwan3/config", "mwan3/network", "mwan3/nft", "mwan3/iptables"},

	"mwan3track": {"mwan3/config", "mwan3/health", "mwan3/hotplug", "mwan3/iproute", "mwan3/network", "mwan3/reply",
		"mwan3/syslog", "mwan3track/probe", "mwan3track/resolve"},
	"mwan3track/probe":   {"mwan3/network"},
	"mwan3track/resolve": {"mwan3/network"},

	"mwan3rtmon": {"mwan3/hotplug", "mwan3/iproute", "mwan3/network", "mwan3/syslog", "mwan3/ubus"},

	forTests: {},
}

// forTests is a package for tests: any of them may import it, and nothing else.
const forTests = "mwan3/emulation"

// TestEveryImportIsInTheTable lists the packages of the three product modules and compares their imports, those of
// their tests included, with the table.
func TestEveryImportIsInTheTable(t *testing.T) {
	emulation.StartsPrograms(t)
	for _, module := range []string{"mwan3", "mwan3track", "mwan3rtmon"} {
		for _, pkg := range list(t, path.Join("..", module)) {
			allowed, known := importTable[pkg.ImportPath]
			if slices.Contains(pkg.Imports, forTests) {
				t.Errorf("%s imports %s, which is for tests", pkg.ImportPath, forTests)
			}
			if pkg.Name == "main" && !known {
				continue
			}
			if !known {
				t.Errorf("package %s is not in the import table", pkg.ImportPath)
			}
			for _, imported := range slices.Concat(pkg.Imports, pkg.TestImports, pkg.XTestImports) {
				ours := strings.HasPrefix(imported, "mwan3") && imported != forTests
				if ours && imported != pkg.ImportPath && !slices.Contains(allowed, imported) {
					t.Errorf("%s imports %s: this arrow is not in the import table", pkg.ImportPath, imported)
				}
			}
		}
	}
}

type goPackage struct {
	Name, ImportPath                   string
	Imports, TestImports, XTestImports []string
}

func list(t *testing.T, dir string) []goPackage {
	t.Helper()
	command := exec.Command("go", "list", "-e", "-json=Name,ImportPath,Imports,TestImports,XTestImports", "./...")
	command.Dir = dir
	text, err := command.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v", dir, err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(text))); decoder.More(); {
		var pkg goPackage
		if err := decoder.Decode(&pkg); err != nil {
			t.Fatal(err)
		}
		all = append(all, pkg)
	}
	return all
}
