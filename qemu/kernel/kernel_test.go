package kernel

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatTheKernelDroppedIsSeen(t *testing.T) {
	t.Parallel()
	fragment := "# text\n\nCONFIG_A=y\nCONFIG_B=y\nCONFIG_C=n\nCONFIG_D=n\nCONFIG_E=n\n"
	config := "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=y\n# CONFIG_D is not set\n"
	if got, want := Lost(fragment, config), []string{"CONFIG_B=y", "CONFIG_C=n"}; !slices.Equal(got, want) {
		t.Errorf("lost %q, want %q", got, want)
	}
}

func TestTheConfigurationSaysEverySettingOnceAndHasWhatIsEasilyForgotten(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for line := range strings.Lines(malta) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !strings.HasPrefix(name, "CONFIG_") || (value != "y" && value != "n") || seen[name] {
			t.Errorf("odd, or twice: %s", line)
		}
		seen[name] = true
	}
	for _, name := range []string{"COMPAT_32BIT_TIME", "PCI_QUIRKS", "CPU_BIG_ENDIAN", "IP_MULTIPLE_TABLES", "NF_CT_NETLINK", "CGROUP_BPF", "VIRTIO_CONSOLE"} {
		if !seen["CONFIG_"+name] {
			t.Errorf("CONFIG_%s is missing", name)
		}
	}
}
