package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// hotplugCall plays OpenWrt's program: it sources every script of the kind of event in the order of their names, each
// in a shell of its own, so that an exit ends only that script.
const hotplugCall = `#!/bin/sh
export PATH="/usr/sbin:/usr/bin:/sbin:/bin"
for script in /etc/hotplug.d/"$1"/*; do
	if [ -f "$script" ]; then
		( . "$script" )
	fi
done
`

// mwan3Hotplug is the script with which mwan3 takes part, unless there are OpenWrt's own files to install.
const mwan3Hotplug = "/usr/sbin/mwan3 hotplug\n"

// BecomeOpenWrt gives the router what mwan3 finds on OpenWrt: ubus with netifd's objects, hotplug-call, and the
// hotplug scripts of files (openwrt/files of the project), where it has any.
func (l *Lab) BecomeOpenWrt(files string) error {
	if err := os.WriteFile("/sbin/hotplug-call", []byte(hotplugCall), 0o755); err != nil {
		return err
	}
	if err := installHotplug(files); err != nil {
		return err
	}
	if err := l.Netifd.startBus(); err != nil {
		return fmt.Errorf("start ubus: %w", err)
	}
	return nil
}

// installHotplug copies the project's scripts, or makes up the one that is needed.
func installHotplug(files string) error {
	const to = "/etc/hotplug.d/iface"
	scripts, err := os.ReadDir(filepath.Join(files, to))
	if errors.Is(err, fs.ErrNotExist) || files == "" {
		return os.WriteFile(filepath.Join(to, "15-mwan3"), []byte(mwan3Hotplug), 0o644)
	}
	if err != nil {
		return err
	}
	var faults []error
	for _, script := range scripts {
		text, err := os.ReadFile(filepath.Join(files, to, script.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, script.Name()), text, 0o644)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
