package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"e2e/lab/labtest"

	"github.com/rogpeppe/go-internal/txtar"

	"ipk/apk"
	"ipk/archive"
	"ipk/content"
)

// parcel is a version of the package, as package managers have it.
type parcel struct {
	version   string
	conffiles []string
	files     []archive.Entry   // for opkg
	scripts   map[string][]byte // those that opkg keeps, by name
	apkFiles  []archive.Entry
	apk       apk.Scripts
}

// ours reads a package back that openwrt/ipk has made.
func ours(t *testing.T, version string) parcel {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(os.Getenv(parcelsEnv), version+".ipk"))
	labtest.Check(t, err)
	p, err := archive.Parse(file)
	labtest.Check(t, err)
	made, err := content.Apk(p.Control, p.Files)
	labtest.Check(t, err)
	return parcel{p.Control.Get("Version"), p.Conffiles, plain(p.Files), p.Scripts, plain(made.Files), made.Scripts}
}

// plain leaves the folders out.
func plain(entries []archive.Entry) []archive.Entry {
	var files []archive.Entry
	seen := map[string]bool{}
	for _, entry := range entries {
		if !entry.Dir && !seen[entry.Path] {
			seen[entry.Path] = true
			files = append(files, entry)
		}
	}
	return files
}

// feeds is the same version of ours as OpenWrt's build system makes it of feeds/mwan3.
func feeds(t *testing.T, version string) parcel {
	t.Helper()
	makefile, err := os.ReadFile("../../feeds/mwan3/Makefile")
	labtest.Check(t, err)
	own := map[string][]byte{}
	block := regexp.MustCompile(`(?s)define Package/mwan3/(preinst|postinst|prerm|postrm)\n(.*?)\nendef`)
	for _, found := range block.FindAllSubmatch(makefile, -1) {
		own[string(found[1])] = []byte(strings.ReplaceAll(string(found[2]), "$$", "$") + "\n")
	}
	p := ours(t, version)
	return p.built(own)
}

// built replaces the scripts by those that OpenWrt's build system makes of a package's own (contracts of package-pack.mk):
// before and after what the package's maker wrote comes what every package does.
func (p parcel) built(own map[string][]byte) parcel {
	const library = "[ -s ${IPKG_INSTROOT}/lib/functions.sh ] || exit 0\n. ${IPKG_INSTROOT}/lib/functions.sh\n"
	const unless = "[ \"${IPKG_NO_SCRIPT}\" = \"1\" ] && exit 0\n"
	const names = "export root=\"${IPKG_INSTROOT}\"\nexport pkgname=\"mwan3\"\n"
	script := func(parts ...string) []byte { return []byte("#!/bin/sh\n" + strings.Join(parts, "")) }
	body := func(name string) string { return strings.TrimPrefix(string(own[name]), "#!/bin/sh\n") }
	p.scripts = map[string][]byte{
		"postinst": script(unless, library, "default_postinst $0 $@\n"),
		"prerm":    script(library, "default_prerm $0 $@\n"),
	}
	for name, file := range map[string]string{"preinst": "preinst", "postinst": "postinst-pkg", "prerm": "prerm-pkg", "postrm": "postrm"} {
		if own[name] != nil {
			p.scripts[file] = own[name]
		}
	}
	after := unless + library + names + "add_group_and_user\ndefault_postinst\n" + body("postinst")
	p.apk = apk.Scripts{
		PreInstall: own["preinst"], PostInstall: script(after), PostUpgrade: script("export PKG_UPGRADE=1\n", after),
		PreDeinstall: script(library, names, "default_prerm\n", body("prerm")), PostDeinstall: own["postrm"],
	}
	if own["preinst"] != nil {
		p.apk.PreUpgrade = script("export PKG_UPGRADE=1\n", body("preinst"))
	}
	return p
}

// upstreams is a version of upstream's package: 2.12 has its plugin for rpcd in ucode, and 2.11 in shell.
func upstreams(t *testing.T, version string) parcel {
	t.Helper()
	stock, err := txtar.ParseFile("testdata/upstream.txtar")
	labtest.Check(t, err)
	left := map[string]string{"2.12": "usr/libexec/rpcd/mwan3", "2.11": "usr/share/rpcd/ucode/mwan3"}[version[:4]]
	p := parcel{version: version, conffiles: content.Conffiles()}
	var list strings.Builder
	for _, file := range stock.Files {
		if file.Name == left {
			continue
		}
		mode := int64(0o644)
		if strings.HasPrefix(string(file.Data), "#!") {
			mode = 0o755
		}
		fmt.Fprintf(&list, "/%s\n", file.Name)
		p.files = append(p.files, archive.Entry{Path: file.Name, Mode: mode, Body: file.Data})
	}
	lists := archive.Entry{Path: "lib/apk/packages/mwan3.list", Mode: 0o644, Body: []byte(list.String())}
	p.apkFiles = append([]archive.Entry{lists}, p.files...)
	restart := []byte("#!/bin/sh\nif [ -z \"${IPKG_INSTROOT}\" ]; then\n\t/etc/init.d/rpcd restart\nfi\n")
	return p.built(map[string][]byte{"postinst": restart, "postrm": restart})
}
