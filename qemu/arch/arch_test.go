package arch

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryRouterIsComplete(t *testing.T) {
	t.Parallel()
	for _, a := range All() {
		for what, value := range map[string]string{
			"triplet": a.Triplet, "system": a.System, "machine": a.Machine, "CPU": a.CPU, "console": a.Console,
		} {
			if value == "" {
				t.Errorf("%s has no %s", a.Name, what)
			}
		}
		if (a.Debian == "") != (a.Kernel == "") {
			t.Errorf("%s: Debian is %q, but the kernel's package is %q", a.Name, a.Debian, a.Kernel)
		}
		if len(a.NICs) == 0 || len(a.Backends) == 0 {
			t.Errorf("%s has no network cards or no firewall", a.Name)
		}
		if env, err := a.Go(); err != nil || !strings.HasPrefix(env[0], "GOARCH=") {
			t.Errorf("%s: Go's environment is %q, %v", a.Name, env, err)
		}
	}
}

func TestBothFirewallsAreTriedAndOneRouterHasBoth(t *testing.T) {
	t.Parallel()
	both := 0
	for _, a := range All() {
		if slices.Contains(a.Backends, "nftables") && slices.Contains(a.Backends, "iptables") {
			both++
		}
		if a.Name == "mips" && !slices.Equal(a.Backends, []string{"iptables"}) {
			t.Errorf("mips runs %q", a.Backends)
		}
	}
	if both == 0 {
		t.Error("no router runs both")
	}
}

func TestRoutersAreFoundByManyNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"amd64": "amd64", "x86_64": "amd64", "armhf": "arm7", "aarch64": "arm64", "mipsel": "mipsle", "mips": "mips", "ath79": "mips",
	} {
		if got, err := Find(name); err != nil || got.Name != want {
			t.Errorf("%s: %s, %v; want %s", name, got.Name, err, want)
		}
	}
	for _, name := range []string{"", "sparc"} {
		_, err := Find(name)
		if err == nil || !strings.HasSuffix(err.Error(), "there are amd64, arm64, arm7, mipsle, mips") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTheLastModelOfCardGoesOn(t *testing.T) {
	t.Parallel()
	a := Arch{NICs: []string{"a", "b"}}
	if got := a.NIC(0) + a.NIC(1) + a.NIC(7); got != "abb" {
		t.Error(got)
	}
}

func TestDevicesShareTheSlotsThatHaveInterrupts(t *testing.T) {
	t.Parallel()
	a := Arch{Slots: []int{18, 21}}
	for number, want := range []string{"0x12.0", "0x15.0", "0x12.1", "0x15.1"} {
		if got := a.Address(number); got != ",multifunction=on,addr="+want {
			t.Errorf("device %d: %s, want %s", number, got, want)
		}
	}
	if got := (Arch{}).Address(3); got != "" {
		t.Error(got)
	}
}
