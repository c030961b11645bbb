package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// lastUserTable is the last table that `mwan3 internal` shows (contracts 4: table 1-250).
const lastUserTable = 250

// internal shows what is in the kernel, as the tools print it: LuCI's troubleshooting page.
func (c cli) internal(args []string) error {
	flag, tables := "-4", "iptables"
	if len(args) > 0 && args[0] == "ipv6" {
		flag, tables = "-6", "ip6tables"
	}
	c.block("Software-Version", "OpenWrt - "+release())
	for _, words := range [][]string{{"a", "show"}, {"route", "show"}, {"rule", "show"}} {
		command := append([]string{"ip", flag}, words...)
		c.block(outputOf(command), output(command...))
	}
	c.block(`Output of "ip `+flag+` route list table 1-250"`, allTables(flag))
	command := []string{tables, "-t", "mangle", "-w", "-L", "-v", "-n"}
	c.block(outputOf(command), output(command...))
	if ours := output("nft", "list", "table", "inet", "mwan3"); ours != "" {
		c.block(`Output of "nft list table inet mwan3"`, ours)
	}
	return nil
}

func outputOf(command []string) string {
	return fmt.Sprintf("Output of %q", strings.Join(command, " "))
}

// block prints one part: its title, 49 dashes, its text and a blank line.
func (c cli) block(title, text string) {
	if text = strings.TrimRight(text, "\n"); text == "" {
		text = "No data found"
	}
	fmt.Fprintf(c.out, "%s\n%s\n%s\n\n", title, strings.Repeat("-", 49), text)
}

// output runs a tool and returns what it prints; nothing if it cannot run.
func output(command ...string) string {
	text, _ := exec.Command(command[0], command[1:]...).Output()
	return string(text)
}

// allTables lists the tables 1 to 250 that hold routes.
func allTables(flag string) string {
	byTable := map[string][]string{}
	for _, line := range strings.Split(output("ip", flag, "route", "list", "table", "all"), "\n") {
		before, after, ok := strings.Cut(line, " table ")
		if !ok {
			continue
		}
		table, rest, _ := strings.Cut(after, " ")
		byTable[table] = append(byTable[table], before+" "+rest)
	}
	var b strings.Builder
	for id := 1; id <= lastUserTable; id++ {
		if lines := byTable[fmt.Sprint(id)]; len(lines) > 0 {
			fmt.Fprintf(&b, "Routing table %d:\n%s\n\n", id, strings.Join(lines, "\n"))
		}
	}
	return b.String()
}

// release is DISTRIB_RELEASE of /etc/openwrt_release, or unknown.
func release() string {
	file, err := os.Open("/etc/openwrt_release")
	if err != nil {
		return "unknown"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "DISTRIB_RELEASE="); ok {
			return strings.Trim(value, `'"`)
		}
	}
	return "unknown"
}
