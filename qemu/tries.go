package main

import (
	"slices"
	"strings"

	"qemu/arch"
	"qemu/look/wire"
)

// try is something that a router is to do.
type try struct {
	name    string
	request wire.Request
	want    string // in the answer
	show    bool   // the answer tells more than that it worked
}

// shell is a try of a line for sh.
func shell(name, line string) try { return try{name: name, request: wire.Request{Run: line}} }

// shown is one whose answer is worth to be printed.
func shown(name, line string) try {
	t := shell(name, line)
	t.show = true
	return t
}

// tries lists them for one kind of router.
func tries(a arch.Arch) []try {
	cards := `for n in lan guest wan0 wan1 wan2; do ip link set $n up || exit 1; echo $n $(basename $(readlink /sys/class/net/$n/device/driver)); done`
	echo := strings.Repeat("0123456789", 20000)
	all := []try{
		shown("kernel, seconds since its start", "uname -rm; cut -d' ' -f1 /proc/uptime"),
		shown("memory, KiB", "free | awk '/^Mem/ {print \"total\", $2, \"used\", $3, \"available\", $7}'"),
		shown("disk, KiB", "df -k / | awk 'END {print \"size\", $2, \"used\", $3, \"left\", $4}'"),
		shown("cards", cards),
		{name: "200 kB there and back", request: wire.Request{Echo: echo}, want: echo},
		shell("file systems", `for d in /proc /sys /dev /dev/pts /tmp /sys/fs/cgroup; do grep -q " $d " /proc/mounts || { echo $d; exit 1; }; done; [ -d /var/run ] && [ $(ls -ld /var/run/ | wc -l) = 1 ] && touch /var/run/x /root/written`),
		shell("VLAN, macvlan, veth, bridge", `ip link add link wan1 name wan1.7 type vlan id 7 && ip link add link wan1 name mac0 type macvlan && ip link add veth0 type veth peer name veth1 && ip link add br0 type bridge && ip link del wan1.7 && ip link del mac0 && ip link del veth0 && ip link del br0`),
		shell("rules and tables", `ip rule add pref 2001 fwmark 0x100/0x3f00 lookup 7 && ip rule | grep -q 2001: && ip route add unreachable 192.0.2.0/24 table 7 && ip route show table 7 | grep -q unreachable && ip rule del pref 2001 && ip -6 rule add pref 2001 fwmark 0x100/0x3f00 lookup 7 && ip -6 rule | grep -q 2001: && ip -6 rule del pref 2001`),
		shell("ping", "ping -c1 -W5 127.0.0.1"),
	}
	if a.Debian != "" {
		all = append(all, nftables()...)
		all = append(all, sets()...)
	}
	all = append(all, firewall("iptables-legacy", a)...)
	// It is the last one: what the engine starts from then on is bound as well, and can have no IPv6 socket.
	return append(all, try{name: "cgroup BPF", request: wire.Request{Bind: "wan2"}})
}

// nftables are tries of what mwan3 loads with nft.
func nftables() []try {
	return []try{
		shell("nft", `nft -f - <<X
table inet t {
	set s { type ipv4_addr; timeout 1h; }
	set i { type ipv4_addr; flags interval; }
	map m { type ipv4_addr : mark; timeout 1h; }
	chain a {
		type route hook output priority mangle; policy accept;
		ct state new meta mark set numgen random mod 3 map { 0 : 0x100, 1 : 0x200, 2 : 0x300 }
		ip saddr @s update @m { ip saddr : 0x100 } accept
		ct mark set meta mark and 0x3f00
		fib daddr type local accept
		meta l4proto { tcp, udp } th dport { 53, 80-90 } log prefix "x " limit rate 1/second counter
	}
}
X
nft list table inet t | grep -q numgen && nft delete table inet t`),
		shell("iptables-nft", `iptables-nft -t mangle -A OUTPUT -m statistic --mode random --probability 0.5 -m mark --mark 0/0x3f00 -j MARK --set-xmark 0x100/0x3f00 && iptables-nft -t mangle -F`),
	}
}

// sets are tries of the types of ipsets that mwan3 knows.
func sets() []try {
	line := `for t in hash:ip hash:net hash:ip,port hash:ip,port,ip hash:ip,port,net hash:net,port hash:net,iface hash:ip,mark hash:mac; do ipset create s $t timeout 60 || { echo $t; exit 1; }; ipset destroy s; done; ipset create l list:set && ipset destroy l && ipset create p bitmap:port range 0-1023 && ipset destroy p`
	return []try{shell("ipset, 11 types", line), shell("conntrack", "conntrack -L; conntrack -C")}
}

// firewall tries what mwan3 loads with one of the iptables.
func firewall(program string, a arch.Arch) []try {
	load := `-t mangle -N m && @ -t mangle -A m -p tcp -m multiport --dports 80,443 -m statistic --mode random --probability 0.5 -m mark --mark 0/0x3f00 -m comment --comment "a b" -j MARK --set-xmark 0x100/0x3f00 && @ -t mangle -A m -j CONNMARK --restore-mark --nfmask 0x3f00 --ctmask 0x3f00 && @ -t mangle -A m -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j LOG --log-prefix x && @ -t mangle -A PREROUTING -j m && @-save -t mangle | @-restore && @ -t mangle -F && @ -t mangle -X m && @ -t nat -A POSTROUTING -o wan0 -j MASQUERADE && @ -t nat -F`
	program6 := strings.Replace(program, "ip", "ip6", 1)
	all := []try{
		shell(program, strings.ReplaceAll("@ "+load, "@", program)),
		shell(program6, strings.ReplaceAll("@ "+load, "@", program6)),
	}
	if a.Debian != "" && slices.Contains(a.Backends, "iptables") {
		all = append(all, shell("iptables with sets", `ipset create s hash:ip,mark timeout 60 && iptables -t mangle -A OUTPUT -m set --match-set s src,src -j SET --add-set s src,src && iptables -t mangle -F && ipset destroy s`))
	}
	return all
}
