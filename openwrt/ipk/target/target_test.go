package target

import (
	"strings"
	"testing"
)

func TestEveryArchitectureIsServedOnce(t *testing.T) {
	t.Parallel()
	served := map[string]string{}
	for _, target := range All() {
		for _, architecture := range target.Architectures {
			if other, ok := served[architecture]; ok {
				t.Errorf("%s is served by %s and by %s", architecture, other, target.Name)
			}
			served[architecture] = target.Name
		}
	}
	for architecture, want := range map[string]string{
		"mips_24kc": "mips", "mipsel_24kc": "mipsle", "mips64_octeonplus": "mips64", "arm_cortex-a7_neon-vfpv4": "arm7",
		"arm_cortex-a9": "arm5", "arm_arm1176jzf-s_vfp": "arm6", "aarch64_cortex-a53": "arm64", "i386_pentium-mmx": "386",
		"x86_64": "amd64", "riscv64_generic": "riscv64", "loongarch64_generic": "loong64",
	} {
		if got := served[architecture]; got != want {
			t.Errorf("%s is served by %q, not by %s", architecture, got, want)
		}
	}
}

// OpenWrt's name of an ARM ends with its floating point unit, if it has one.
func TestAnArmWithoutAFloatingPointUnitGetsNoneOfItsInstructions(t *testing.T) {
	t.Parallel()
	for _, target := range All() {
		for _, architecture := range target.Architectures {
			unit := strings.Contains(architecture, "vfp") || strings.Contains(architecture, "neon")
			if strings.HasPrefix(architecture, "arm_") && unit != (target.Name != "arm5") {
				t.Errorf("%s gets %s", architecture, target.Name)
			}
		}
	}
}

func TestTargetsAreFoundByNameInTheOrderOfAll(t *testing.T) {
	t.Parallel()
	found, err := Find([]string{"amd64", "mips"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].Name != "mips" || found[1].Name != "amd64" {
		t.Errorf("got %v", found)
	}
	if all, err := Find(nil); err != nil || len(all) != 11 {
		t.Errorf("got %d targets, %v", len(all), err)
	}
}
