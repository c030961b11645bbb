// Package target knows the processors of routers: how Go builds for each, by which names OpenWrt's packages call it,
// and what a program for it looks like.
package target

import (
	"debug/elf"
	"fmt"
	"strings"
)

// Target is a processor that programs are built for.
type Target struct {
	Name string
	// Env holds what go build needs to know, as KEY=value. The build writes it into the program, where it can be read again.
	Env []string
	// Architectures are OpenWrt's names for packages that such a processor runs. One build serves several: nothing of it
	// is linked to the router's C library.
	Architectures []string
	Class         elf.Class
	Data          elf.Data
	Machine       elf.Machine
}

// All returns the targets in the order of their tables. Without one are OpenWrt's powerpc (Go has big-endian POWER8 and newer
// only), armeb and arc (unknown to Go) and arm_fa526 (ARMv4; Go wants ARMv5).
func All() []Target {
	return append(append(mips(), arm()...), others()...)
}

// mips lists the MIPS targets. Routers have no floating point unit, and OpenWrt's kernels do not emulate one.
func mips() []Target {
	return []Target{
		{
			Name: "mips", Env: []string{"GOARCH=mips", "GOMIPS=softfloat"},
			Architectures: []string{"mips_24kc", "mips_4kec", "mips_mips32"},
			Class:         elf.ELFCLASS32, Data: elf.ELFDATA2MSB, Machine: elf.EM_MIPS,
		}, {
			Name: "mipsle", Env: []string{"GOARCH=mipsle", "GOMIPS=softfloat"},
			Architectures: []string{"mipsel_24kc", "mipsel_24kc_24kf", "mipsel_74kc", "mipsel_mips32"},
			Class:         elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_MIPS,
		}, {
			Name: "mips64", Env: []string{"GOARCH=mips64", "GOMIPS64=softfloat"},
			Architectures: []string{"mips64_mips64r2", "mips64_octeonplus"},
			Class:         elf.ELFCLASS64, Data: elf.ELFDATA2MSB, Machine: elf.EM_MIPS,
		},
	}
}

// arm lists the ARM targets. OpenWrt's name tells whether there is a floating point unit: Cortex-A7 and A9 come without one,
// too, and where GOARM is 6 or 7 Go uses it.
func arm() []Target {
	return []Target{
		{
			Name: "arm5", Env: []string{"GOARCH=arm", "GOARM=5"},
			Architectures: []string{"arm_arm926ej-s", "arm_cortex-a7", "arm_cortex-a9", "arm_xscale"},
			Class:         elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_ARM,
		}, {
			Name: "arm6", Env: []string{"GOARCH=arm", "GOARM=6"},
			Architectures: []string{"arm_arm1176jzf-s_vfp"},
			Class:         elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_ARM,
		}, {
			Name: "arm7", Env: []string{"GOARCH=arm", "GOARM=7"},
			Architectures: []string{
				"arm_cortex-a15_neon-vfpv4", "arm_cortex-a5_vfpv4", "arm_cortex-a7_neon-vfpv4", "arm_cortex-a7_vfpv4",
				"arm_cortex-a8_vfpv3", "arm_cortex-a9_neon", "arm_cortex-a9_vfpv3-d16",
			},
			Class: elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_ARM,
		}, {
			Name: "arm64", Env: []string{"GOARCH=arm64", "GOARM64=v8.0"},
			Architectures: []string{"aarch64_cortex-a53", "aarch64_cortex-a72", "aarch64_cortex-a76", "aarch64_generic"},
			Class:         elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_AARCH64,
		},
	}
}

// others lists the rest. 386 does without SSE2, which Geode and Pentium MMX lack: one build serves them all, and what mwan3
// calculates in floating point is not worth a second one.
func others() []Target {
	return []Target{
		{
			Name: "386", Env: []string{"GOARCH=386", "GO386=softfloat"},
			Architectures: []string{"i386_pentium-mmx", "i386_pentium4"},
			Class:         elf.ELFCLASS32, Data: elf.ELFDATA2LSB, Machine: elf.EM_386,
		}, {
			Name: "amd64", Env: []string{"GOARCH=amd64", "GOAMD64=v1"},
			Architectures: []string{"x86_64"},
			Class:         elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_X86_64,
		}, {
			Name: "riscv64", Env: []string{"GOARCH=riscv64", "GORISCV64=rva20u64"},
			Architectures: []string{"riscv64_generic", "riscv64_riscv64"},
			Class:         elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_RISCV,
		}, {
			Name: "loong64", Env: []string{"GOARCH=loong64"},
			Architectures: []string{"loongarch64_generic"},
			Class:         elf.ELFCLASS64, Data: elf.ELFDATA2LSB, Machine: elf.EM_LOONGARCH,
		},
	}
}

// Find returns the targets of these names in the order of All; all of them if no name is given. An unknown name is an error.
func Find(names []string) ([]Target, error) {
	if len(names) == 0 {
		return All(), nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var found []Target
	var known []string
	for _, t := range All() {
		known = append(known, t.Name)
		if wanted[t.Name] {
			found = append(found, t)
			delete(wanted, t.Name)
		}
	}
	for _, name := range names {
		if wanted[name] {
			return nil, fmt.Errorf("unknown target %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return found, nil
}
