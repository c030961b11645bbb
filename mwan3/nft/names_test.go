package nft

import (
	"strings"
	"testing"
)

func TestNamesBecomeWordsOfNft(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"balanced":              "balanced",
		"1_A.b-c":               "1_A.b-c",
		strings.Repeat("a", 48): strings.Repeat("a", 48),
		strings.Repeat("a", 49): "aaaaaaaaaaaaaaaaaaaaaaaa/afdac8eb00353fdc",
		"":                      "/cbf29ce484222325",
		"a b\n\"é\xff":          "a_b____/3a7eebbade5008ef",
	} {
		same(t, name, want, word(name))
	}
}

func TestTheLongestNamesFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	for _, name := range []string{stickyName(long[:48], long[:48], v4), saveName(long[:48], v4), ruleName(long, v6), userSetName(long), stickyName(long, long, v4)} {
		if len(name) > 127 {
			t.Errorf("%s has %d bytes", name, len(name))
		}
	}
}

func TestNamesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"wan", "wan_ipv4", "_ipv4", "a/b"} {
		got, ok := nameIn(policyPrefix, policyPrefix+name+"_ipv4", v4)
		same(t, name, name, got)
		if _, other := nameIn(policyPrefix, policyPrefix+name+"_ipv4", v6); !ok || other {
			t.Errorf("%s: %v %v", name, ok, other)
		}
	}
}

func TestDevicesThatNftCannotSayAreRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"eth0.2": true, "wan@if3": true, "$x": true, "a;b{}#": true, "é": true, "123456789012345": true,
		"": false, "1234567890123456": false, `a"b`: false, "eth*": false, `a\b`: false, "a b": false, "a\nb": false, "a/b": false, "a\x7f": false} {
		if isDevice(name) != want {
			t.Errorf("%q is not %v", name, want)
		}
	}
}
