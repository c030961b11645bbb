package image

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qemu/kernel"
)

// dependencies reads modules.dep: for each module what has to be loaded before it, the first first. Names are paths below the
// folder of the kernel's version.
func dependencies(text string) map[string][]string {
	needs := map[string][]string{}
	for line := range strings.Lines(text) {
		module, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		list := strings.Fields(rest)
		slices.Reverse(list)
		needs[module] = list
	}
	return needs
}

// choose returns the modules whose path below kernel/ begins with one of these, in an order in which they can be loaded.
func choose(needs map[string][]string, beginnings []string) []string {
	var chosen []string
	seen := map[string]bool{}
	add := func(module string) {
		if !seen[module] {
			seen[module] = true
			chosen = append(chosen, module)
		}
	}
	modules := make([]string, 0, len(needs))
	for module := range needs {
		modules = append(modules, module)
	}
	slices.Sort(modules)
	for _, beginning := range beginnings {
		for _, module := range modules {
			if strings.HasPrefix(module, "kernel/"+beginning) {
				for _, need := range needs[module] {
					add(need)
				}
				add(module)
			}
		}
	}
	return chosen
}

// chosen returns the modules of a kernel, as paths below lib/modules/VERSION.
func chosen(k kernel.Kernel, beginnings []string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(k.Modules, "lib/modules", k.Version, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("modules of %s: %w", k.Version, err)
	}
	return choose(dependencies(string(text)), beginnings), nil
}
