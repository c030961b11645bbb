package content

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"ipk/apk"
	"ipk/archive"
)

// lists is where OpenWrt's scripts look up what a package installed by apk has.
const lists = "lib/apk/packages/mwan3."

// Apk returns the package for apk: the same files and scripts, and OpenWrt's lists of them.
func Apk(control archive.Control, files []archive.Entry) (apk.Package, error) {
	scripts, err := apkScripts()
	if err != nil {
		return apk.Package{}, err
	}
	title, _, _ := strings.Cut(control.Get("Description"), "\n")
	return apk.Package{
		Name: control.Get("Package"), Version: control.Get("Version"), Architecture: control.Get("Architecture"),
		License: control.Get("License"), Origin: control.Get("Source"), Description: title, Scripts: scripts,
		Files: archive.Folders(append(fileLists(files), files...)),
	}, nil
}

// apkScripts gives opkg's scripts to apk, which has one for each occasion instead of arguments.
func apkScripts() (apk.Scripts, error) {
	scripts, err := Scripts()
	if err != nil {
		return apk.Scripts{}, err
	}
	upgrade := bytes.Replace(scripts["postinst"], []byte("#!/bin/sh\n"), []byte("#!/bin/sh\nPKG_UPGRADE=1\n"), 1)
	return apk.Scripts{
		PreInstall: scripts["preinst"], PreUpgrade: scripts["preinst"],
		PostInstall: scripts["postinst"], PostUpgrade: upgrade,
		PreDeinstall: scripts["prerm"], PostDeinstall: scripts["postrm"],
	}, nil
}

// fileLists returns the lists: all files, the conffiles, and the conffiles with their sums.
func fileLists(files []archive.Entry) []archive.Entry {
	var all, sums strings.Builder
	conffile := map[string]bool{}
	for _, path := range Conffiles() {
		conffile[path] = true
	}
	for _, file := range archive.Folders(files) {
		if file.Dir {
			continue
		}
		fmt.Fprintf(&all, "/%s\n", file.Path)
		if conffile["/"+file.Path] {
			fmt.Fprintf(&sums, "/%s %x\n", file.Path, sha256.Sum256(file.Body))
		}
	}
	return []archive.Entry{
		{Path: lists + "list", Mode: 0o644, Body: []byte(all.String())},
		{Path: lists + "conffiles", Mode: 0o644, Body: []byte(strings.Join(Conffiles(), "\n") + "\n")},
		{Path: lists + "conffiles_static", Mode: 0o644, Body: []byte(sums.String())},
	}
}
