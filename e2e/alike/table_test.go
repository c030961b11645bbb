package alike

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// table lists the probes. A line is the product of its lists:
//
//	entry  protocols  sources  source ports  destinations  destination ports
//
// An entry is lan, router (what the router sends itself) or a device of an uplink; router@DEVICE is bound to the device.
// Before mwan3 sees it, #ID gives a packet the mark of an id (or of default, unreachable, blackhole) and %ID its
// connection. Of an address, a number alone changes the end: 192.168.1.4,5 are two. A protocol is a name or a number;
// icmp is the echo of the family, icmp/TYPE another type, tcp/bad has impossible flags; +opt puts IP options before it.
// Lists of ports concern only protocols that have them; * is a port that no other probe has.
const table = `
# Ports, each with the ones beside it, to where only ports and the last rules count.
lan  tcp  192.168.1.77  *                    192.0.2.1    1,2,8,14,15,16,21,22,23,24,25,26,52,53,54
lan  tcp  192.168.1.77  *                    192.0.2.1    79,80,81,82,83,84,442,443,444,7999,8000
lan  tcp  192.168.1.77  *                    192.0.2.1    8040,8080,8081,8999,9000,9001,65535
lan  tcp  192.168.1.77  22,80,443,1023,1024  192.0.2.1    5000
lan  udp  192.168.1.77  53,1023,1024,65535   192.0.2.1    22,25,52,53,54,80,443
lan  tcp  fd00:ee::77   *                    2001:db8::1  1,2,8,14,15,16,21,22,23,24,25,26,52,53,54
lan  tcp  fd00:ee::77   *                    2001:db8::1  79,80,81,82,83,84,442,443,444,7999,8000
lan  tcp  fd00:ee::77   *                    2001:db8::1  8040,8080,8081,8999,9000,9001,65535
lan  udp  fd00:ee::77   53,1023,1024,65535   2001:db8::1  22,25,52,53,54,80,443

# Sources that rules name, and those beside them.
lan  tcp,udp,icmp,gre,esp  192.168.1.4,5,6,9,10,11,19,20,21,49  *  192.0.2.1    5000
lan  tcp,udp,icmp,gre,esp  192.168.1.50,51,77,126,127,128,200   *  192.0.2.1    5000
lan  tcp                   192.168.1.5,10,20,50,77,127,128      *  192.0.2.1    22,80,443
lan  tcp,icmp              192.168.0.255,192.168.2.0,10.1.0.77  *  192.0.2.1    5000
lan  tcp,udp,icmp          fd00:ee::5,10,20,50,77               *  2001:db8::1  22,5000

# Destinations that rules and sets name, and those beside them.
lan  tcp,udp,icmp,gre,esp  192.168.1.77             *  203.0.112.255,203.0.113.0,8,9,10,77,255,203.0.114.0,9,203.0.115.0  5000
lan  tcp,udp,icmp,gre,esp  192.168.1.77             *  203.0.0.255,203.0.1.0,9,203.0.2.9,203.0.3.9,203.0.4.9,203.0.5.9    5000
lan  tcp,udp,icmp,gre,esp  192.168.1.77             *  203.0.6.9,255,203.0.7.0                                            5000
lan  tcp,icmp              192.168.1.77             *  198.17.255.255,198.18.0.0,198.19.255.255,198.20.0.0                5000
lan  tcp,udp,icmp          192.168.1.9,10,11,20,21  *  203.0.0.255,203.0.1.0,203.0.2.255,203.0.3.0                        5000
lan  tcp                   192.168.1.5,50,77        *  203.0.113.8,9,203.0.1.9,203.0.3.9,203.0.6.9                        22,80,443
lan  tcp,udp,icmp,gre,esp  fd00:ee::77              *  2001:db8::8,9,2001:db8:96:ffff::1,2001:db8:97::1,2                 5000
lan  tcp,udp,icmp,gre,esp  fd00:ee::5,77            *  2001:db8:98::1,2001:db8:98:ffff::9,2001:db8:99::1,2001:db8:9a::1   22

# Networks without an uplink: connected, of another table, of the set that other programs fill; and the ones beside them.
lan  tcp,udp,icmp,gre  192.168.1.77  *  10.1.0.1,10.1.0.255,10.1.1.9,10.1.2.9,10.0.255.255,10.1.3.0    443
lan  tcp,udp,icmp,gre  192.168.1.77  *  203.0.76.255,203.0.77.0,203.0.77.255,203.0.78.0                443
lan  tcp,udp,icmp,gre  192.168.1.77  *  172.20.255.255,172.21.0.0,172.22.255.255,172.23.0.0            443
lan  tcp,udp,icmp,gre  192.168.1.77  *  203.0.119.255,203.0.120.0,203.0.120.255,203.0.121.0            443
lan  tcp,udp,icmp      fd00:ee::77   *  fd00:1::9,fd00:1:1::9,fd00:1:2::9,fd00:1:3::9,2001:db8:11f::1  443
lan  tcp,udp,icmp      fd00:ee::77   *  2001:db8:120::,2001:db8:120:ffff::1,2001:db8:121::             443
lan  tcp,udp,icmp      192.168.1.77  *  192.168.1.1,192.168.1.50                                       443
lan  tcp,udp,icmp      fd00:ee::77   *  fd00:ee::1,50                                                  443

# Other protocols, types, headers; packets that belong to no connection.
lan  253,icmp/13,icmp/3,tcp/bad,tcp+opt,udp+opt,icmp+opt  192.168.1.77,5,50  *  192.0.2.1,203.0.113.9       22,80,443
lan  253,icmp/127,icmp/130,icmp/132,icmp/133,icmp/134     fd00:ee::77        *  2001:db8::1,fd00:1::9       22,80,443
lan  icmp/135,icmp/136,icmp/137,icmp/138,icmp/143         fd00:ee::77        *  2001:db8::1,fd00:1::9       22,80,443
lan  tcp/bad,tcp+opt,udp+opt,icmp+opt                     fd00:ee::77        *  2001:db8::1,2001:db8:99::1  22,80,443

# What the router sends itself: from its addresses, bound to a device.
router       tcp,udp,icmp,gre,esp                 192.168.1.1,10.1.0.2,10.1.1.2  *     192.0.2.1,203.0.1.9,203.0.2.9,203.0.3.9,203.0.6.9  22,53,80,443
router       tcp,udp,icmp                         10.1.0.2                       1023  203.0.113.9,8,10.1.1.9,203.0.77.9,192.168.1.50     22,53,80,443
router       tcp,udp,icmp                         fd00:1::2,fd00:1:1::2          *     2001:db8::1,9,2001:db8:99::1,fd00:1:1::9           22,53,80,443
router       icmp/133,icmp/135,icmp/137,icmp/138  fd00:1::2                      *     2001:db8::1                                        80
router@wan0  tcp,udp,icmp                         10.1.0.2,192.168.1.1           *     192.0.2.1,203.0.6.9,203.0.3.9                      22,443
router@wan1  tcp,udp,icmp                         10.1.1.2,192.168.1.1           *     192.0.2.1,203.0.6.9,203.0.3.9                      22,443
router@wan2  tcp,udp,icmp                         10.1.2.2                       *     192.0.2.1                                          22,443
router@wan0  tcp,udp,icmp                         fd00:1::2                      *     2001:db8::1                                        22,443
router@wan1  tcp,udp,icmp                         fd00:1:1::2                    *     2001:db8::1                                        22,443

# What comes in through the uplinks: from strangers, from connected and from other networks, to a host and to the router.
wan0       tcp,udp,icmp,gre,esp  192.0.2.9,203.0.113.9,10.1.0.77,10.1.1.77,203.0.77.9  *  192.168.1.10,10.1.0.2    22,80
wan1       tcp,udp,icmp,gre,esp  192.0.2.9,203.0.113.9,10.1.0.77,10.1.1.77,203.0.77.9  *  192.168.1.11,10.1.1.2    22,80
wan2       tcp,udp,icmp,gre,esp  192.0.2.9,203.0.113.9,10.1.0.77,10.1.1.77,203.0.77.9  *  192.168.1.12,10.1.2.2    22,80
wan0,wan1  tcp,udp               203.0.120.9,172.21.0.9,172.22.0.9,192.168.1.9         *  192.168.1.10             22,80
wan0       tcp,udp,icmp          2001:db8::9,2001:db8:99::1,fd00:1::77,fd00:1:1::77    *  fd00:ee::10,fd00:1::2    22,80
wan1       tcp,udp,icmp          2001:db8::9,2001:db8:99::1,fd00:1::77,fd00:1:1::77    *  fd00:ee::11,fd00:1:1::2  22,80
wan0,wan1  icmp/135,icmp/138     2001:db8::9                                           *  fd00:ee::10              22
wan0,wan1  tcp,udp               2001:db8:120::9,fd00:ee::9                            *  fd00:ee::10              22,80

# What has a mark already, of the packet or of its connection.
lan#1,lan#2,lan#default,lan#unreachable,lan#blackhole  tcp,udp  192.168.1.77  *  192.0.2.1,203.0.1.9,10.1.1.9  80
lan%1,lan%2,lan%default,lan%unreachable,lan%blackhole  tcp,udp  192.168.1.77  *  192.0.2.1,203.0.1.9,10.1.1.9  80
lan#2,lan#4,lan#default,lan%2,lan%4,lan%default        tcp,udp  fd00:ee::77   *  2001:db8::1,fd00:1:1::9       80
router#1,router#2,router#default,router#unreachable    tcp,udp  10.1.0.2      *  192.0.2.1,203.0.1.9           80
router#2,router#4,router#default,router%default        tcp,udp  fd00:1::2     *  2001:db8::1                   80
wan0#2,wan1#1,wan0#default,wan0%2,wan1%1               tcp,udp  192.0.2.9     *  192.168.1.10                  80
lan#9,lan%9,wan0#9,wan0%9                              tcp,udp  192.168.1.77  *  192.0.2.1,10.1.1.9            80
router#9,router%9                                      tcp,udp  10.1.0.2      *  192.0.2.1,10.1.1.9            80
lan#9,lan%9                                            tcp,udp  fd00:ee::77   *  2001:db8::1                   80
`

// probes reads the table and leaves out what enters or is bound to a device that is not there. Each probe is a
// connection of its own.
func probes(t *testing.T, devices []string) []probe {
	t.Helper()
	var all []probe
	seen := map[probe]probe{}
	for _, line := range strings.Split(table, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if len(words) != 6 {
			t.Fatalf("%d words: %s", len(words), line)
		}
		for _, p := range product(t, words) {
			if p.device != "" && !slices.Contains(devices, p.device) {
				continue
			}
			p = p.numbered(firstOwnPort + uint16(len(all)))
			if other, ok := seen[p.connection()]; ok {
				t.Fatalf("two probes are one connection: %s, %s", p, other)
			}
			seen[p.connection()] = p
			all = append(all, p)
		}
	}
	return all
}

// firstOwnPort is the first port of those that * means.
const firstOwnPort = 40000

// product makes the probes of one line.
func product(t *testing.T, words []string) []probe {
	t.Helper()
	var all []probe
	for _, entry := range strings.Split(words[0], ",") {
		for _, proto := range strings.Split(words[1], ",") {
			for _, src := range addresses(t, words[2]) {
				for _, dst := range addresses(t, words[4]) {
					p := newProbe(entry, proto)
					p.src, p.dst = src, dst
					all = append(all, p.withPorts(t, words[3], words[5])...)
				}
			}
		}
	}
	return all
}

// withPorts makes a probe for each pair of ports, or only one if the protocol has none.
func (p probe) withPorts(t *testing.T, sources, destinations string) []probe {
	t.Helper()
	if !p.hasPorts() {
		return []probe{p}
	}
	var all []probe
	for _, sport := range strings.Split(sources, ",") {
		for _, dport := range strings.Split(destinations, ",") {
			p.sport, p.dport = port(t, sport), port(t, dport)
			p.anyPort = sport == "*"
			all = append(all, p)
		}
	}
	return all
}

func port(t *testing.T, text string) uint16 {
	t.Helper()
	if text == "*" {
		return 0
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(number)
}

// addresses reads a list in which a number alone replaces the end of the address before it.
func addresses(t *testing.T, list string) []netip.Addr {
	t.Helper()
	var all []netip.Addr
	start := ""
	for _, word := range strings.Split(list, ",") {
		if !strings.ContainsAny(word, ".:") {
			word = start + word
		}
		addr, err := netip.ParseAddr(word)
		if err != nil {
			t.Fatal(err)
		}
		start = word[:strings.LastIndexAny(word, ".:")+1]
		all = append(all, addr)
	}
	return all
}
