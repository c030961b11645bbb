package alike

import (
	"fmt"
	"regexp"
	"strings"
)

// apart is the record's config with the rules' policies replaced in turn, so that what a packet gets shows which rule
// it has met: through wan0, by the main table, through wan1, refused, swallowed. Rules without a policy stay so. Rules that
// match everything would hide the others and are left out.
func (s *stage) apart() string {
	targets := []string{"alike_wan0", "default", "alike_wan1", "unreachable", "blackhole"}
	var text strings.Builder
	rules := 0
	for _, section := range strings.SplitAfter(s.record["mwan3"], "\n\n") {
		switch {
		case !strings.Contains(section, "config rule"):
		case matchesAll(section):
			continue
		case usePolicy.MatchString(section):
			section = usePolicy.ReplaceAllString(section, "option use_policy '"+targets[rules%len(targets)]+"'")
			rules++
		}
		text.WriteString(section)
	}
	for _, device := range []string{"wan0", "wan1"} {
		text.WriteString(s.only(device))
	}
	return text.String()
}

var (
	usePolicy   = regexp.MustCompile(`option use_policy '.*'`)
	restriction = regexp.MustCompile(`option (src_ip|dest_ip|src_iface|ipset|proto) '(.*)'`)
)

// matchesAll tells whether a rule's section restricts nothing but perhaps the family.
func matchesAll(section string) bool {
	for _, words := range restriction.FindAllStringSubmatch(section, -1) {
		if value := words[2]; value != "all" && value != "0.0.0.0/0" && value != "::/0" {
			return false
		}
	}
	return true
}

// only writes a policy alike_DEVICE of the interfaces on a device.
func (s *stage) only(device string) string {
	members, uses := "", ""
	for _, iface := range s.ifaces {
		if s.router.Device(iface) == device {
			members += fmt.Sprintf("config member 'alike_%[1]s'\n\toption interface '%[1]s'\n", iface)
			uses += fmt.Sprintf("\tlist use_member 'alike_%s'\n", iface)
		}
	}
	return members + fmt.Sprintf("config policy 'alike_%s'\n", device) + uses
}
