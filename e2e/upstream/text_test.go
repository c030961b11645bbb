package upstream

import (
	"fmt"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

var (
	durations   = regexp.MustCompile(`\d\dh:\d\dm:\d\ds`)
	probability = regexp.MustCompile(`--probability ([0-9.]+) -m comment --comment "\w+ (\d+) (\d+)"`)
	counters    = regexp.MustCompile(`^( *\d+[KMGT]? +\d+[KMGT]?) `)
)

// canonical turns a part into lines that can be compared one by one: what only the moment of the record decides (times,
// counters, hash seeds, the order of sets and of interfaces that start in parallel) is taken out. A line of a chain or of
// a list in the status says which one it belongs to.
func canonical(part, text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	switch {
	case strings.HasSuffix(part, "tables-mangle"):
		return chains(lines)
	case part == "ipset-save":
		return sets(lines)
	case part == "mwan3-status":
		return status(lines)
	case part == "ubus-mwan3-status":
		return answer(text)
	}
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	sort.Strings(lines)
	return lines
}

// chains numbers the rules of each chain, so that their order counts.
func chains(lines []string) []string {
	var all []string
	number := map[string]int{}
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, ":"):
			name, _, _ := strings.Cut(line, " ")
			all = append(all, name)
		case strings.HasPrefix(line, "-A mwan3_ifaces_in "):
			all = append(all, line)
		case strings.HasPrefix(line, "-A "):
			chain := strings.Fields(line)[1]
			number[chain]++
			line = probability.ReplaceAllStringFunc(line, share)
			all = append(all, fmt.Sprintf("%s %d %s", chain, number[chain], line))
		}
	}
	sort.Strings(all)
	return all
}

// share puts a fraction in the place of a probability that means it: upstream cuts shares to three digits, ours are
// exact to what the kernel can hold (1/2^31).
func share(match string) string {
	words := probability.FindStringSubmatch(match)
	p, _ := strconv.ParseFloat(words[1], 64)
	weight, _ := strconv.ParseFloat(words[2], 64)
	total, _ := strconv.ParseFloat(words[3], 64)
	exact := math.Abs(p-weight/total) < 1e-9
	cut := math.Abs(p-math.Floor(weight*1000/total)/1000) < 1e-9
	if exact || cut {
		return strings.Replace(match, words[1], words[2]+"/"+words[3], 1)
	}
	return match
}

func sets(lines []string) []string {
	var all []string
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) > 3 && words[0] == "create" && words[2] != "list:set" {
			words = words[:5]
		}
		all = append(all, strings.Join(words, " "))
	}
	sort.Strings(all)
	return all
}

// status puts each line's heading before it. Within the lists of connected networks the order is the kernel's.
func status(lines []string) []string {
	var all []string
	heading, policy := "", ""
	for _, line := range lines {
		line = durations.ReplaceAllString(line, "…")
		line = strings.TrimRight(counters.ReplaceAllString(line, "… "), " ")
		switch {
		case line == "":
		case strings.HasSuffix(line, ":") && strings.Contains(line, " ") || line == "Interface status:":
			heading, policy = line, ""
		case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " "):
			policy = line
		default:
			all = append(all, strings.Join([]string{heading, policy, line}, "|"))
		}
	}
	sort.Strings(all)
	return all
}

// diff lists the lines that only theirs has (-) and that only ours has (+); repeated lines count.
func diff(theirs, ours []string) []string {
	count := map[string]int{}
	for _, line := range theirs {
		count[line]--
	}
	for _, line := range ours {
		count[line]++
	}
	var lines []string
	for line, n := range count {
		for ; n < 0; n++ {
			lines = append(lines, "-"+line)
		}
		for ; n > 0; n-- {
			lines = append(lines, "+"+line)
		}
	}
	sort.Strings(lines)
	return lines
}
