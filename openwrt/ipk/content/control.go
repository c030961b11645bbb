package content

import (
	"strconv"
	"time"

	"ipk/archive"
)

// Release is appended to the version, as OpenWrt's own packages have it. A package that changes while mwan3 does not has
// the next one.
const Release = "-r1"

const description = `Multiwan: load balancing, failover and policy routing over several uplinks
Spreads new connections over several uplinks by weight, moves traffic away from an uplink that does not
work, and routes chosen traffic through a chosen uplink. Drop-in replacement for the shell package of that name.`

// Control returns what opkg is told. It has no Depends: all three programs are static, mwan3 finds out at run time whether
// it marks with nftables or iptables, and every OpenWrt has one of them. What the kernel module adds is that living
// connections follow a change; opkg goes on without it where it has none.
func Control(version, architecture string, when time.Time) archive.Control {
	return archive.Control{
		{Name: "Package", Value: "mwan3"},
		{Name: "Version", Value: version + Release},
		{Name: "Recommends", Value: "kmod-nf-conntrack-netlink"},
		{Name: "Source", Value: "feeds/mwan3"},
		{Name: "SourceName", Value: "mwan3"},
		{Name: "License", Value: "Apache-2.0"},
		{Name: "Section", Value: "net"},
		{Name: "SourceDateEpoch", Value: strconv.FormatInt(when.Unix(), 10)},
		{Name: "Architecture", Value: architecture},
		{Name: "Description", Value: description},
	}
}
