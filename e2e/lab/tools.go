package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"e2e/ubusd"
)

// tools are OpenWrt's commands that this program plays when it is started under their names.
var tools = map[string]func(args []string) int{
	"ubus": func(args []string) int { return ubusd.Command(ubusSocket, args, os.Stdout, os.Stderr) },
	"uci":  func(args []string) int { return uciCommand(args, os.Stdout, os.Stderr) },
}

// beTool plays a tool and does not return, if this program was started as one.
func beTool() {
	if tool := tools[filepath.Base(os.Args[0])]; tool != nil {
		os.Exit(tool(os.Args[1:]))
	}
}

// linkTools puts the tools where they are on OpenWrt, as far as PATH is concerned.
func linkTools() error {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var faults []error
	for name := range tools {
		link := filepath.Join("/sbin", name)
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) { // of an earlier life
			faults = append(faults, err)
			continue
		}
		faults = append(faults, os.Symlink(self, link))
	}
	return errors.Join(faults...)
}
