package iptables

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mwan3/ipset"
	"mwan3/network"
)

func TestNamesThatFitStayAndOthersGetAShortForm(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"balanced": "balanced", "exactly_15_char": "exactly_15_char", "sixteen_chars_xx": "sixtee-", "with-dash": "withda-",
		"": "-", "ü": "-", "line\nbreak": "linebr-", `"quoted"`: "quoted-",
	} {
		got := shortName(name, policyRoom, "")
		if !strings.HasPrefix(got, want) || len(got) > policyRoom {
			t.Errorf("%q became %q, want %s…", name, got, want)
		}
	}
	if got := len(ipset.StickyName(network.IPv6, 252, shortName("a_very_long_rule_name", ruleRoom, ""))); got > 31 {
		t.Errorf("the longest name of a set has %d characters", got)
	}
}

// The two names have the same FNV-1a hash of 32 bits and the same beginning.
func TestNamesWithTheSameHashGetDifferentForms(t *testing.T) {
	t.Parallel()
	a, b := collision()
	short := shorten([]string{a, b}, policyRoom)
	if short[a] == short[b] || shortName(a, policyRoom, "") != shortName(b, policyRoom, "") {
		t.Errorf("%s and %s became %v", a, b, short)
	}
}

// collision looks for two names that shortName alone would not tell apart.
func collision() (a, b string) {
	seen := map[string]string{}
	letters := "abcdefghijklmnop"
	for i := 0; ; i++ {
		name := []byte("policy_with_a_name________")
		for digit, rest := len(name)-8, uint32(i)*2654435761; digit < len(name); digit++ {
			name[digit] = letters[rest&15]
			rest >>= 4
		}
		form := shortName(string(name), policyRoom, "")
		if other, found := seen[form]; found && other != string(name) {
			return other, string(name)
		}
		seen[form] = string(name)
	}
}

func TestLineNumbersAreFoundInEveryToolsErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]int{
		"iptables-restore v1.8.9 (legacy): Set nosuch doesn't exist.\n\nError occurred at line: 3\nTry": {3},
		"iptables-restore: line 5 failed\n": {5},
		"iptables-restore v1.8.9 (nf_tables): \nline 4: RULE_APPEND failed (Invalid argument): rule in chain x\nline 7: RULE_APPEND failed": {4, 7},
		"no number": nil, "line": nil, "online 3": {3}, "line 99999999999999999999": nil,
	} {
		if diff := cmp.Diff(want, lineNumbers(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestTheWeightsAreExactToTheKernelsResolution(t *testing.T) {
	t.Parallel()
	for want, pair := range map[string][2]int{
		"0.33333333349": {1, 3}, "0.66666666651": {2, 3}, "0.58333333349": {7, 12}, "0.50000000000": {1, 2}, "0.00099900085": {1, 1001},
	} {
		if got := strings.TrimPrefix(probability(pair[0], pair[1]), "-m statistic --mode random --probability "); got != want {
			t.Errorf("%d of %d = %s, want %s", pair[0], pair[1], got, want)
		}
	}
}

func TestAddressesOutsideALists(t *testing.T) {
	t.Parallel()
	got := outside(prefixes("0.0.0.0/2", "128.0.0.0/1", "64.0.0.0/4"))
	if diff := cmp.Diff([]string{"80.0.0.0/4", "96.0.0.0/3"}, texts(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := outside(prefixes("2001:db8::/32")); len(got) != 32 {
		t.Errorf("%d prefixes outside a /32, want 32", len(got))
	}
}

func texts[T interface{ String() string }](list []T) []string {
	var all []string
	for _, one := range list {
		all = append(all, one.String())
	}
	return all
}

func TestTimeoutsStayWithinWhatASetCanKeep(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]uint32{0: 1, time.Minute: 60, 1e6 * time.Second: 1e6, 1e8 * time.Second: 2147483} {
		if got := entryTimeout(d); got != want {
			t.Errorf("%v became %d, want %d", d, got, want)
		}
	}
}

func FuzzQuotedWordsAreReadBack(f *testing.F) {
	for _, word := range []string{"", "wan", "wan 3 3", `a"b`, `a\`, "a'b", "MWAN3(x)", "-j"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		quoted := quote(word)
		if strings.ContainsAny(quoted, "\n\r\x00") {
			t.Fatalf("%q leaves its line: %q", word, quoted)
		}
		clean := strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return '?'
			}
			return r
		}, word)
		if diff := cmp.Diff([]string{"-m", clean, "-j"}, splitWords("-m "+quoted+" -j")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add("-N mwan3_policy_x\n-A mwan3_policy_x -m comment --comment \"wan 3 6\" -j MARK\n-A OUTPUT -j mwan3_hook")
	f.Add("-N mwan3_policy_a-1\n-A mwan3_policy_a-1 -m comment --comment \"policy \"\n-A x -g mwan3_a")
	f.Add("-N mwan3_policy_x\n-A mwan3_policy_x -m comment --comment \"wan 0 0\"")
	f.Fuzz(func(t *testing.T, text string) {
		now := parseTable(text)
		for _, status := range now.policies() {
			for _, member := range status.Members {
				if member.Percent < 0 || member.Percent > 100 {
					t.Errorf("%s has %d%%", member.Interface, member.Percent)
				}
			}
		}
		ruleLines(text)
		lineNumbers(text)
		firstLine(text)
	})
}
