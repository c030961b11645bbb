package debian

import (
	"slices"
	"strings"
	"testing"

	"qemu/store"
)

func TestSourcePackagesAreAskedForWhereBinaryOnesAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, text, want string }{
		{"a.list", "# x\ndeb [signed-by=/k] mirror bookworm main\n", "# x\ndeb [signed-by=/k] mirror bookworm main\ndeb-src [signed-by=/k] mirror bookworm main\n"},
		{"a.sources", "\nTypes: deb\nURIs: mirror\n\nTypes: deb\nURIs: other", "\nTypes: deb deb-src\nURIs: mirror\n\nTypes: deb deb-src\nURIs: other\n"},
		{"a.sources", "\nTypes: deb deb-src\nURIs: mirror\n", "\nTypes: deb deb-src\nURIs: mirror\n"},
	} {
		if got := WithSources(c.file, c.text); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.file, c.text, got, c.want)
		}
	}
}

func TestAptWorksForTheOtherArchitectureAndKeepsOffTheMachinesState(t *testing.T) {
	t.Parallel()
	args := Apt{Store: store.Store{Root: "/s"}, Architecture: "mipsel"}.Args("install", "nftables")
	for _, want := range []string{
		"APT::Architecture=mipsel", "APT::Architectures=mipsel", "Dir::State=/s/apt/mipsel/state", "Dir::State::status=/s/apt/mipsel/status",
		"Dir::Cache=/s/apt/mipsel/cache", "Dir::Etc::sourceparts=/s/apt/mipsel/sources.d",
	} {
		if i := slices.Index(args, want); i < 1 || args[i-1] != "-o" {
			t.Errorf("%s is missing in %q", want, args)
		}
	}
	if got := strings.Join(args[len(args)-2:], " "); got != "install nftables" {
		t.Errorf("the command is %q", got)
	}
}

func TestTheMirrorIsNoPartOfWhatAFileIs(t *testing.T) {
	t.Parallel()
	printed := "NOTICE: something else\n'proto://one/a%3a.deb' a_1.deb 12 SHA256:00\n'proto://two/b.deb' b_2.deb 3 SHA256:ff\n"
	if got, want := checksums(printed), "a_1.deb 12 SHA256:00\nb_2.deb 3 SHA256:ff\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
