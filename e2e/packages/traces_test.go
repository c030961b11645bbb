package packages

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"e2e/lab/labtest"

	"github.com/google/go-cmp/cmp"

	"mwan3/apply"
)

// Traces are what a program can leave on a router, in forms in which equal things are equal.

// show prints what the kernel has.
const show = `
echo '@ ip rules'; ip -4 rule; ip -6 rule
echo '@ routes'; ip -N -4 route show table all; ip -N -6 route show table all
echo '@ nft'; nft -s list ruleset 2>/dev/null
echo '@ mangle'; iptables -t mangle -S; ip6tables -t mangle -S
echo '@ ipsets'; ipset save`

// kernel is what the kernel has. It is read while no run of mwan3 changes it.
func (r *router) kernel() string {
	r.t.Helper()
	if _, err := os.Stat(apply.LockPath); err == nil {
		unlock, err := apply.Lock()
		labtest.Check(r.t, err)
		defer unlock()
	}
	var text strings.Builder
	for _, part := range strings.Split(r.run("sh", "-c", show), "@ ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		fmt.Fprintf(&text, "# %s\n", name)
		body = changing.ReplaceAllString(body, "")
		if name == "nft" {
			text.WriteString(sortBlocks(body))
			continue
		}
		text.WriteString(sortLines(name, body))
	}
	return text.String()
}

// changing is what differs between two looks at the same state.
var changing = regexp.MustCompile(` expires \w+| bucketsize \d+| initval 0x[0-9a-f]+| timeout \d+ expires.*| packets \d+ bytes \d+|(?m)^# Warning.*$`)

// sortLines sorts what has no order of its own, and drops the kernel's own table of routes.
func sortLines(name, body string) string {
	lines := slices.DeleteFunc(strings.Split(body, "\n"), func(line string) bool {
		return strings.TrimSpace(line) == "" || name == "routes" && strings.Contains(line+" ", " table 255 ")
	})
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line) + "\n"
	}
	switch name {
	case "routes", "ipsets":
		slices.Sort(lines)
	case "mangle":
		slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(chainOf(a), chainOf(b)) })
	}
	return strings.Join(lines, "")
}

func chainOf(line string) string { return strings.Fields(line + " x x")[1] }

// sortBlocks sorts the tables' sets and chains by their names, and leaves the rules of a chain in order.
func sortBlocks(body string) string {
	blocks, table := []string{""}, ""
	for _, line := range strings.Split(body, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || line == "}":
		case !strings.HasPrefix(line, "\t"):
			table = line
			blocks = append(blocks, table+"\n")
		case !strings.HasPrefix(line, "\t\t") && line != "\t}":
			blocks = append(blocks, table+line+"\n")
		default:
			blocks[len(blocks)-1] += line + "\n"
		}
	}
	slices.Sort(blocks)
	return strings.Join(blocks, "")
}

// processes are the command lines of all processes but the lab's own, by pid.
func processes() map[int]string {
	found := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		text, _ := os.ReadFile(file)
		line := strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
		if pid != 1 && pid != os.Getpid() && line != "" {
			found[pid] = line
		}
	}
	return found
}

// daemons are the processes of mwan3's two daemons, whoever made them.
func daemons() map[int]string {
	found := processes()
	maps.DeleteFunc(found, func(_ int, line string) bool {
		return !strings.Contains(line, "mwan3track") && !strings.Contains(line, "mwan3rtmon")
	})
	return found
}

// places are the folders in which packages and what they have installed can leave files.
func places() []string {
	return []string{"/etc", "/lib", "/usr/lib", "/usr/libexec", "/usr/share", "/usr/sbin", "/sbin", "/run", "/var", "/tmp"}
}

// passing are files that come and go, or grow, whatever mwan3 does, or come a moment after a start.
var passing = regexp.MustCompile(`^/run/(log|lab|netns|rpcd\.asked|cgroup|tests?\b|mwan3/mirrored_)|^/tmp/(Test|go-)`)

// files lists all files of the router that are not the host's, with what is in them.
func (r *router) files() map[string]string {
	found := map[string]string{}
	var host syscall.Stat_t
	labtest.Check(r.t, syscall.Stat("/", &host))
	for _, place := range places() {
		place, err := filepath.EvalSymlinks(place)
		labtest.Check(r.t, err)
		_ = filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
			var own syscall.Stat_t
			switch {
			case err != nil:
				return nil // it has just gone
			case passing.MatchString(path), syscall.Lstat(path, &own) == nil && own.Dev == host.Dev:
				if entry.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			found[path] = describe(path, entry)
			return nil
		})
	}
	return found
}

// describe is what tells one file from another.
func describe(path string, entry fs.DirEntry) string {
	info, err := entry.Info()
	if err != nil {
		return "gone"
	}
	if target, err := os.Readlink(path); err == nil {
		return "link to " + target
	}
	if !info.Mode().IsRegular() {
		return info.Mode().String()
	}
	body, _ := os.ReadFile(path)
	return fmt.Sprintf("%s %x", info.Mode(), sha256.Sum256(body))
}

// traces are all of these.
type traces struct {
	kernel string
	files  map[string]string
	lines  []string // of processes
}

func (r *router) traces() traces {
	r.t.Helper()
	lines := slices.Sorted(maps.Values(processes()))
	return traces{r.kernel(), r.files(), lines}
}

// nothingLeft compares what there is now with what there was; some files are there besides.
func (r *router) nothingLeft(before traces, besides ...string) {
	r.t.Helper()
	for _, path := range besides {
		if _, err := os.Stat(path); err != nil {
			r.t.Error(err)
		}
	}
	r.nothingLeftBut(before, besides...)
}

// nothingLeftBut compares what there is now with what there was; some files may be there besides.
func (r *router) nothingLeftBut(before traces, besides ...string) {
	r.t.Helper()
	r.must("no process is left", func() error {
		if diff := cmp.Diff(before.lines, slices.Sorted(maps.Values(processes()))); diff != "" {
			return failed("%s", diff)
		}
		return nil
	})
	now := r.traces()
	r.same("the kernel is not as before", before.kernel, now.kernel)
	maps.DeleteFunc(now.files, func(path, _ string) bool {
		return slices.ContainsFunc(besides, func(other string) bool { return path == other || strings.HasPrefix(path, other+"/") })
	})
	if diff := cmp.Diff(before.files, now.files); diff != "" {
		r.t.Errorf("the files are not as before:\n%s", diff)
	}
}
