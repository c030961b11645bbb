package crash

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"e2e/lab"
	"e2e/lab/labtest"
)

// A calm pace: no tracker changes its mind because the machine is busy.
func calm() lab.Tracking { return lab.Tracking{Interval: "1", Timeout: "3", Down: "5", Up: "1"} }

// The ports of the rules below.
const (
	balancedPort = 8081
	failoverPort = 8082
	singlePort   = 8083
)

// policies send traffic over all uplinks, over the first that works, and over wanb.
const policies = `
config policy 'balanced'
	list use_member 'wan_m1'
	list use_member 'wanb_m1'
	list use_member 'wanc_m1'
	list use_member 'wan6_m1'
	list use_member 'wanb6_m1'
	list use_member 'wanc6_m1'
config policy 'failover'
	list use_member 'wan_m1'
	list use_member 'wanb_m2'
	list use_member 'wan6_m1'
	list use_member 'wanb6_m2'
config policy 'single'
	list use_member 'wanb_m1'
	list use_member 'wanb6_m1'
config rule 'balance'
	option proto 'tcp'
	option dest_port '8081'
	option use_policy 'balanced'
config rule 'fail'
	option proto 'tcp'
	option dest_port '8082'
	option use_policy 'failover'
config rule 'one'
	option proto 'tcp'
	option dest_port '8083'
	option use_policy 'single'
config rule 'https'
	option sticky '1'
	option proto 'tcp'
	option dest_port '443'
	option use_policy 'balanced'
config rule 'voip'
	option proto 'udp'
	option dest_port '5060:5080,16384'
	option use_policy 'failover'
config rule 'host'
	option src_ip '192.168.1.12'
	option use_policy 'single'
config rule 'guests'
	option src_iface 'guest0'
	option use_policy 'failover'
config rule 'listed'
	option ipset 'users'
	option use_policy 'single'
`

const onlyA = `
config rule 'net'
	option dest_ip '203.0.113.0/24'
	option use_policy 'failover'
config rule 'net6'
	option dest_ip '2001:db8:113::/48'
	option use_policy 'failover'
config rule 'smtp'
	option sticky '1'
	option timeout '300'
	option proto 'tcp'
	option dest_port '25'
	option use_policy 'failover'
config rule 'rest'
	option use_policy 'balanced'
`

const onlyB = `
config policy 'backup'
	list use_member 'wanb_m1'
	list use_member 'wan_m2'
	option last_resort 'blackhole'
config rule 'net'
	option dest_ip '203.0.113.0/25'
	option use_policy 'backup'
config rule 'ntp'
	option proto 'udp'
	option dest_port '123'
	option use_policy 'default'
config rule 'secret'
	option dest_ip '192.0.2.0/24'
	option use_policy 'unreachable'
config rule 'rest'
	option use_policy 'failover'
`

// configFile is what the router reads.
const configFile = "/etc/config/mwan3"

// configure writes the config of a state. Config B lacks the third uplink, and a third of its rules differ. Config C names
// the interfaces of A in another order: each has another id, table and mark.
func (b *bench) configure(s state) {
	b.t.Helper()
	text := fmt.Sprintf("config globals 'globals'\n\toption backend '%s'\n\n", b.backendOf(s))
	sections := strings.Split(strings.TrimSpace(b.lab.Sections(calm(), 4, 6)), "\n\n")
	rest := policies + onlyA
	switch s.config {
	case "B":
		for i, section := range sections {
			if strings.HasPrefix(section, "config interface 'wanc") {
				sections[i] = strings.Replace(section, "enabled '1'", "enabled '0'", 1)
			}
		}
		rest = policies + onlyB
	case "C":
		slices.Reverse(sections)
	}
	text += strings.Join(sections, "\n\n") + "\n" + rest
	labtest.Check(b.t, os.WriteFile(configFile, []byte(text), 0o600))
}
