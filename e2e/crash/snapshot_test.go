package crash

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"e2e/lab/labtest"

	"github.com/google/go-cmp/cmp"

	"mwan3/apply"
)

// difference is empty for equal snapshots.
func difference(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

// show prints all that mwan3 can leave in the kernel, each part after a line with its name.
const show = `
echo '@ rules'; ip -4 rule; ip -6 rule
echo '@ tables'; ip -N -4 route show table all; ip -N -6 route show table all
echo '@ nftables'; nft -s list table inet mwan3 2>/dev/null
echo '@ iptables'; iptables-save -t mangle
echo '@ ip6tables'; ip6tables-save -t mangle
echo '@ ipsets'; ipset save`

// snapshot is all that mwan3 has in the kernel and in its state files, in a form in which two equal states are equal:
// without counters, handles, the entries of sticky rules, and the order in which things were made. It is taken under the
// lock: a tracker may have a run of its own under way.
func snapshot(t *testing.T) string {
	t.Helper()
	unlock, err := apply.Lock()
	labtest.Check(t, err)
	defer unlock()
	out, err := exec.Command("sh", "-c", show).Output()
	if err != nil {
		t.Fatal("take a snapshot: ", err)
	}
	normal := map[string]func([]string) []string{
		"rules": rules, "tables": tables, "nftables": nftables, "iptables": iptables, "ip6tables": iptables, "ipsets": ipsets,
	}
	var text strings.Builder
	for _, part := range strings.Split(string(out), "@ ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		writePart(&text, name, normal[name](strings.Split(strings.TrimSuffix(body, "\n"), "\n")))
	}
	writePart(&text, "files", stateFiles())
	return text.String()
}

func writePart(text *strings.Builder, name string, lines []string) {
	text.WriteString("# " + name + "\n")
	for _, line := range lines {
		if line = strings.TrimRight(line, " "); line != "" {
			text.WriteString(line + "\n")
		}
	}
}

func rules(lines []string) []string { return lines }

// lastTable is the last table that the default mask has an interface for.
const lastTable = 60

var ofTable = regexp.MustCompile(` table (\d+) `)

// tables keeps the routes of the interfaces' tables.
func tables(lines []string) []string {
	var routes []string
	for _, line := range lines {
		found := ofTable.FindStringSubmatch(line + " ")
		if found == nil {
			continue
		}
		if number, err := strconv.Atoi(found[1]); err == nil && number <= lastTable {
			routes = append(routes, line)
		}
	}
	slices.Sort(routes)
	return routes
}

var elements = regexp.MustCompile(`(?s)\telements = \{.*?\}\n`)

// nftables sorts the sets, maps and chains of the table, and drops what sticky rules have noted.
func nftables(lines []string) []string {
	var blocks []string
	for _, line := range slices.DeleteFunc(lines, func(line string) bool { return line == "" }) {
		if !strings.HasPrefix(line, "\t\t") && line != "\t}" {
			blocks = append(blocks, "")
		}
		blocks[len(blocks)-1] += line + "\n"
	}
	for i, block := range blocks {
		if strings.Contains(block, "\t\tflags dynamic,timeout\n") {
			blocks[i] = elements.ReplaceAllString(block, "")
		}
	}
	slices.Sort(blocks)
	return blocks
}

// iptables sorts the chains, not the rules in them, and drops empty built-in ones.
func iptables(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if name, ok := strings.CutPrefix(line, ":mwan3_"); ok {
			name, _, _ = strings.Cut(name, " ")
			kept = append(kept, "-A mwan3_"+name)
		} else if strings.HasPrefix(line, "-A ") {
			kept = append(kept, line)
		}
	}
	slices.SortStableFunc(kept, func(a, b string) int {
		return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1])
	})
	return kept
}

var seed = regexp.MustCompile(` initval 0x[0-9a-f]+`)

// ipsets drops the hash function's seed and what sticky rules have noted.
func ipsets(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "add mwan3_rule") {
			kept = append(kept, seed.ReplaceAllString(line, ""))
		}
	}
	slices.Sort(kept)
	return kept
}

// stateDir is where mwan3 keeps what its next run must know.
const stateDir = "/var/run/mwan3/"

// stateFiles lists the state files with their texts. What rtmon's mirror has noted (mirrored_*) carries the time of the start and
// comes a moment after it.
func stateFiles() []string {
	var files []string
	_ = fs.WalkDir(os.DirFS(stateDir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path, "mirrored_") || strings.HasPrefix(path, ".mirrored_") {
			return nil // no directory is no state
		}
		text, _ := os.ReadFile(filepath.Join(stateDir, path))
		files = append(files, path+": "+strings.TrimSpace(string(text)))
		return nil
	})
	return files
}
