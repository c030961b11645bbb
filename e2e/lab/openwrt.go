package lab

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mwan3Hotplug is the script with which mwan3 takes part, unless there are OpenWrt's own files to install.
const mwan3Hotplug = "/usr/sbin/mwan3 hotplug\n"

// standIns play the scripts of OpenWrt's base system.
//
//go:embed openwrt
var standIns embed.FS

// places are where they belong.
var places = map[string]string{
	"hotplug-call": "/sbin/hotplug-call",
	"service":      "/sbin/service",
	"rc.common":    "/etc/rc.common",
	"rpcd":         "/etc/init.d/rpcd",
	"functions.sh": "/lib/functions.sh",
	"procd.sh":     "/lib/functions/procd.sh",
}

// BecomeOpenWrt gives the router what mwan3 finds on OpenWrt: busybox as its shell, ubus with netifd's and procd's objects,
// hotplug-call, rc.common, the commands ubus and uci, and the files of the project's openwrt/files. Without these,
// there is only a hotplug script, and no init script; but what a machine's package has brought stays.
func (s *Site) BecomeOpenWrt(files string) error {
	steps := []func() error{
		useBusybox, s.makeRoom, s.installStandIns,
		func() error { return s.installFiles(files) },
		s.Netifd.startBus, s.Netifd.startRpcd,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("become OpenWrt: %w", err)
		}
	}
	return nil
}

// BecomePlain makes the router a plain Linux machine, on which mwan3 starts its daemons itself. In a lab it is one; a machine
// loses the init script that the package has brought.
func (s *Site) BecomePlain() error {
	if !s.Machine {
		return nil
	}
	if err := os.Remove("/etc/init.d/mwan3"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("become a plain machine: %w", err)
	}
	return nil
}

// useBusybox makes busybox the router's shell: its scripts may use what OpenWrt's can, and no more.
func useBusybox() error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return fmt.Errorf("please install busybox: %w", err)
	}
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		return err
	}
	if err := unix.Mount(busybox, shell, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("make busybox the shell: %w", err)
	}
	return nil
}

// makeRoom makes the directories that are to hold the files the lab's own. All those of a machine are.
func (s *Site) makeRoom() error {
	if s.Machine {
		return nil
	}
	faults := []error{
		shadow("/lib", "functions.sh", "functions", "mwan3", "upgrade", "opkg", "apk"), // may be /usr/lib
		shadow("/usr/lib", "opkg"), shadow("/usr/libexec", "rpcd"), shadow("/usr/share", "rpcd"),
	}
	for _, dir := range []string{"/etc/init.d", "/etc/rc.d", "/etc/uci-defaults"} {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // a link to the host's
			faults = append(faults, err)
		}
	}
	return errors.Join(append(faults, os.MkdirAll("/etc/rc.d", 0o755), os.MkdirAll("/tmp/.uci", 0o755))...)
}

func (s *Site) installStandIns() error {
	var faults []error
	for name, place := range places {
		text, err := standIns.ReadFile("openwrt/" + name)
		if err == nil {
			err = s.install(place, text)
		}
		faults = append(faults, err)
	}
	return errors.Join(append(faults, linkTools())...)
}

// install writes a file of the router with the mode that it has there. What the host has in its place is a link to the host's
// own file: the link goes, and nothing is ever written through one.
func (s *Site) install(path string, text []byte) error {
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(string(text), "#!") {
		mode = 0o755
	}
	if err := s.makeOwn(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// makeOwn makes a directory of the lab's own, and fails if that would be one of the host.
func (s *Site) makeOwn(dir string) error {
	if s.Machine {
		return os.MkdirAll(dir, 0o755)
	}
	there := dir
	for _, err := os.Stat(there); err != nil; _, err = os.Stat(there) {
		there = filepath.Dir(there)
	}
	var host, own unix.Stat_t
	if err := errors.Join(unix.Stat("/", &host), unix.Stat(there, &own)); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(there)
	if err != nil {
		return err
	}
	if own.Dev == host.Dev || strings.HasPrefix(real, backstage+"/") {
		return fmt.Errorf("%s is the host's: the lab has to shadow it before it can have a file in %s", there, dir)
	}
	return os.MkdirAll(dir, 0o755)
}

// installFiles copies the project's files, or makes up the one that is needed.
func (s *Site) installFiles(root string) error {
	if _, err := os.Stat("/etc/init.d/mwan3"); s.Machine && err == nil {
		return nil // a package, or an earlier life of the machine, has brought them
	}
	if root == "" {
		return s.install("/etc/hotplug.d/iface/15-mwan3", []byte(mwan3Hotplug))
	}
	return filepath.WalkDir(root, func(from string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return s.install(strings.TrimPrefix(from, filepath.Clean(root)), text)
	})
}
