// Package nft is the nftables backend: it writes the decisions of package plan as the text of one table of our own,
// loads that text in one transaction with the nft tool, and reads counters, sets and policies back.
//
// Everything is in `table inet mwan3`, so a reload of another firewall does not touch it. Each family has chains of its
// own below the two base chains; a packet of one never meets a rule of the other:
//
//	mwan3_prerouting, mwan3_output      the hooks
//	mwan3_hook_<f>                      the order in which a packet meets the rest (contracts 2.4)
//	mwan3_ifaces_in_<f>                 which interface did it come in on
//	mwan3_iface_in_<iface>_<f>          then it is answered through it
//	mwan3_networks_<f>                  destinations that need no uplink: sets custom, connected and dynamic
//	mwan3_rules_<f>                     the user's rules; the first that matches decides
//	mwan3_rule_<rule>_<f>               a sticky rule: ask its sets, then its policy, then note the answer
//	mwan3_policy_<policy>_<f>           the policy's decision
//	mwan3_to_<iface>_<f>                gives the packet the interface's mark
//	mwan3_default, …                    gives it a special mark
//	mwan3_save_<iface>_<f>, …           gives the mark to the connection
//
// nft has no operation for "copy these bits of the connection's mark" on the kernels of today, hence the one-line chains
// that set a constant under the mask, selected by a verdict map (mwan3_restore_<f>, mwan3_save_<f>): one for each mark in
// use, in each direction.
//
// A set that a user's rule names (option ipset) is in the same table as `ipset_<name>`; dnsmasq fills it with
// `nftset=/example.org/4#inet#mwan3#ipset_<name>`, a script with `nft add element inet mwan3 ipset_<name> { … }`.
package nft

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// table is the family and the name of our table.
const table = "inet mwan3"

// Backend loads and reads our table with the nft tool. It keeps no state: each call looks at the kernel.
type Backend struct {
	tool string // path of nft
}

// Find finds the nft tool, and asks the kernel nothing: enough where our table is known to be loaded.
func Find() (*Backend, error) {
	tool, err := find("nft", "/usr/sbin", "/sbin")
	if err != nil {
		return nil, err
	}
	return &Backend{tool: tool}, nil
}

// New is Find, and has the kernel check, without a change, all that our table consists of. The error says what is
// missing, in nft's words.
func New() (*Backend, error) {
	b, err := Find()
	if err != nil {
		return nil, err
	}
	if err := b.load(probe, "-c"); err != nil {
		return nil, fmt.Errorf("this kernel or nft cannot hold the marking: %w", err)
	}
	return b, nil
}

// find looks for a tool in the folders, then in PATH: daemons are started with all sorts of PATH.
func find(tool string, folders ...string) (string, error) {
	for _, folder := range folders {
		if path, err := exec.LookPath(folder + "/" + tool); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(tool)
	if err != nil {
		return "", fmt.Errorf("find tool %s in %s: %w", tool, strings.Join(folders, ", "), err)
	}
	return path, nil
}

// load hands text to nft on its standard input: one transaction, all or nothing. A command is at most a handful of
// fixed words; nothing of the configuration is in it.
func (b *Backend) load(text string, flags ...string) error {
	_, err := b.run(text, append(flags, "-f", "-")...)
	return err
}

// run runs nft and returns what it prints. The error holds everything that nft complained about.
func (b *Backend) run(stdin string, args ...string) (string, error) {
	input, err := inMemory(stdin)
	if err != nil {
		return "", fmt.Errorf("hand text to nft: %w", err)
	}
	defer input.Close()
	cmd := exec.Command(b.tool, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // we look for messages
	cmd.Stdin = input
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("nft %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// inMemory is a file in memory with that text. Through a pipe nft would take the first half of a long text for the whole
// if we were killed before we had written the rest.
func inMemory(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("nft", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "nft")
	if _, err = file.WriteString(text); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// list returns what `nft list` prints, or "" if the thing does not exist.
func (b *Backend) list(args ...string) (string, error) {
	out, err := b.run("", args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && strings.Contains(err.Error(), "No such file or directory") {
		return "", nil
	}
	return out, err
}

// probe uses every feature that a marking can use, in the same way, but for logging, which few want.
const probe = `table inet mwan3_probe {
	set p_sources { type ipv4_addr; size 16; flags dynamic,timeout; }
	map p_restore { type mark : verdict; elements = { 0x100 : jump p_mark }; }
	map p_devices { type ifname : verdict; elements = { "lo" : goto p_mark }; }
	set p_networks { type ipv6_addr; flags interval; auto-merge; elements = { 2001:db8::/32 }; }
	chain p_mark {
		meta mark set meta mark & 0xffffc0ff | 0x100
		ct mark set ct mark & 0xffffc0ff | 0x100
	}
	chain p_new {
		iifname vmap @p_devices
		ip6 saddr != 2001:db8::/32 ip6 daddr @p_networks tcp sport 1000-2000 tcp dport { 80, 443 } counter goto p_mark comment "rule"
		numgen random mod 3 < 2 goto p_mark
	}
	chain p_sticky {
		ip saddr @p_sources jump p_mark
		meta mark & 0x3f00 == 0x100 update @p_sources { ip saddr timeout 1s }
		meta mark & 0x3f00 != 0x100 delete @p_sources { ip saddr }
	}
	chain p_prerouting {
		type filter hook prerouting priority mangle; policy accept;
		meta nfproto ipv4 jump p_sticky
		meta nfproto ipv6 jump p_new
		icmpv6 type { nd-router-solicit, nd-redirect } return
		meta mark & 0x3f00 == 0x0 ct mark & 0x3f00 vmap @p_restore
	}
	chain p_output {
		type route hook output priority mangle; policy accept;
		oifname "lo" meta l4proto 47 goto p_mark
	}
}
`
