package image

import "qemu/arch"

// packages are Debian's, with what a router needs; what they depend on comes along, and most of it is left out again.
func packages() []string {
	return []string{"busybox", "conntrack", "iproute2", "ipset", "iptables", "iputils-ping", "kmod", "nftables", "util-linux"}
}

// programs are taken out of Debian's packages, with the libraries that they are linked to.
func programs() []string {
	return []string{
		"/bin/busybox", "/bin/ip", "/bin/kmod", "/bin/mountpoint", "/bin/ping", "/bin/ss", "/sbin/bridge", "/sbin/tc", "/usr/bin/flock",
		"/usr/sbin/conntrack", "/usr/sbin/ipset", "/usr/sbin/nft",
		"/usr/sbin/xtables-legacy-multi", "/usr/sbin/xtables-nft-multi",
	}
}

// trees are taken out of Debian's packages whole.
func trees(a arch.Arch) []string {
	return []string{"/etc/iproute2", "/etc/protocols", "/etc/services", "/usr/lib/" + a.Triplet + "/xtables"}
}

// folders are those that packages do not bring.
func folders() []string {
	return []string{
		"bin", "dev", "etc/config", "lib", "mnt", "proc", "root", "sbin", "sys", "tmp", "usr/bin", "usr/lib", "usr/libexec", "usr/sbin",
	}
}

// links are symbolic links, name to target.
func links(a arch.Arch) map[string]string {
	links := map[string]string{"sbin/ip": "../bin/ip", "var": "tmp", "run": "tmp/run", "etc/resolv.conf": "/tmp/resolv.conf", "etc/mtab": "/proc/mounts"}
	for _, applet := range applets() {
		links["bin/"+applet] = "busybox"
	}
	for _, applet := range []string{"init", "halt", "poweroff", "reboot", "sysctl", "switch_root"} {
		links["sbin/"+applet] = "../bin/busybox"
	}
	if a.Debian == "" {
		builtLinks(links)
	} else {
		debianLinks(links)
	}
	iptables(links, "", "xtables-legacy-multi")
	iptables(links, "-legacy", "xtables-legacy-multi")
	return links
}

// debianLinks are for Debian's own programs.
func debianLinks(links map[string]string) {
	for _, name := range []string{"depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod"} {
		links["sbin/"+name] = "../bin/kmod"
	}
	links["usr/bin/ping"] = "../../bin/ping"
	iptables(links, "-nft", "xtables-nft-multi")
}

// builtLinks are for what busybox has to stand in for where Debian has no packages.
func builtLinks(links map[string]string) {
	for _, applet := range []string{"flock", "mountpoint", "ping", "ping6"} {
		links["bin/"+applet] = "busybox"
	}
	links["sbin/modprobe"] = "../bin/true"
}

// iptables adds the names that one of its programs goes by.
func iptables(links map[string]string, variant, program string) {
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, what := range []string{"", "-save", "-restore"} {
			links["usr/sbin/"+family+variant+what] = program
		}
	}
}

// applets are busybox's, as far as scripts of routers use them. What has a program of its own in Debian is not here.
func applets() []string {
	return []string{
		"ash", "awk", "base64", "basename", "cat", "chgrp", "chmod", "chown", "clear", "cmp", "cp", "cut", "date", "dd", "df", "dirname",
		"dmesg", "du", "echo", "egrep", "env", "expr", "false", "fgrep", "find", "free", "grep", "gunzip", "gzip", "head", "hexdump",
		"hostname", "id", "ifconfig", "kill", "killall", "less", "ln", "logger", "ls", "md5sum", "mkdir", "mkfifo", "mknod", "mktemp", "mount",
		"mv", "nc", "netstat", "nslookup", "pidof", "printf", "ps", "pwd", "readlink", "realpath",
		"rm", "rmdir", "route", "run-parts", "sed", "seq", "setsid", "sh", "sha256sum", "sleep", "sort", "start-stop-daemon", "stat", "stty",
		"sync", "tail", "tar", "tee", "test", "time", "timeout", "top", "touch", "tr", "traceroute", "true", "tty", "umount", "uname", "uniq",
		"uptime", "usleep", "vi", "wc", "wget", "which", "xargs", "yes", "zcat", "[",
	}
}

// modules are the kernel's, as beginnings of their paths below lib/modules/VERSION/kernel: what a router needs, and QEMU's
// devices. What they need themselves comes along.
func modules() []string {
	return []string{
		"crypto/crc32c_generic", "lib/libcrc32c",
		"drivers/block/virtio_blk", "drivers/char/hw_random/virtio-rng", "drivers/char/hw_random/rng-core", "drivers/char/virtio_console",
		"drivers/virtio/virtio", "fs/ext4/", "fs/fat/", "fs/nls/nls_cp437", "fs/nls/nls_iso8859-1", "fs/nls/nls_ascii",
		"drivers/net/dummy", "drivers/net/ethernet/amd/pcnet32", "drivers/net/ethernet/intel/e1000/", "drivers/net/ifb",
		"drivers/net/macvlan", "drivers/net/tun", "drivers/net/veth", "drivers/net/virtio_net", "drivers/net/vrf",
		"net/802/", "net/8021q/", "net/bridge/", "net/core/", "net/ipv4/netfilter/", "net/ipv4/inet_diag", "net/ipv4/raw_diag",
		"net/ipv4/tcp_diag", "net/ipv4/udp_diag", "net/ipv6/netfilter/", "net/ipv6/ipv6", "net/llc/", "net/netfilter/",
		"net/netlink/", "net/packet/", "net/sched/act_mirred", "net/sched/cls_", "net/sched/sch_htb", "net/sched/sch_ingress",
		"net/sched/sch_netem", "net/sched/sch_tbf", "net/unix/",
	}
}

// early are the modules that the root file system is reached with.
func early() []string {
	return []string{"crypto/crc32c_generic", "drivers/virtio/virtio_pci", "drivers/block/virtio_blk", "fs/ext4/"}
}
