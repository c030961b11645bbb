package content

import "testing"

// say compares what the router was asked to do.
func say(t *testing.T, b box, want string) {
	t.Helper()
	if got := b.log(); got != want {
		t.Errorf("the router was asked to do\n%s, not\n%s", got, want)
	}
}

func TestAFreshInstallMigratesEnablesAndStarts(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.script("preinst", []string{"PKG_ROOT=/", "PKG_UPGRADE=0"}, "install")
	say(t, b, "")
	b.mwan3("\x7fELF")
	b.file("etc/uci-defaults/mwan3-migrate", "echo migrated >>/log\nexit 0\n", 0o644)
	b.file("etc/uci-defaults/mwan3-stays", "exit 1\n", 0o644)
	b.file("etc/uci-defaults/other", "echo other >>/log\n", 0o644)
	b.file("tmp/luci-indexcache.json", "", 0o644)
	b.script("postinst", []string{"PKG_ROOT=/", "PKG_UPGRADE=0"}, "configure")
	say(t, b, "migrated\nuci commit mwan3\nrpcd reload\nmwan3 enable\nmwan3 enabled\nmwan3 start\n")
	if b.has("etc/uci-defaults/mwan3-migrate") || b.has("tmp/luci-indexcache.json") {
		t.Error("what has been done is still there")
	}
	if !b.has("etc/uci-defaults/mwan3-stays") || !b.has("etc/uci-defaults/other") {
		t.Error("what has not been done, or is not ours, is gone")
	}
}

func TestAnUpgradeStartsWhatIsSwitchedOnAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.mwan3("\x7fELF")
	upgrade := []string{"PKG_ROOT=/", "PKG_UPGRADE=1"}
	for _, on := range []bool{false, true} {
		want := "uci commit mwan3\nrpcd reload\nmwan3 enabled\n"
		if on {
			b.file("etc/rc.d/S19mwan3", "", 0o755)
			want += "mwan3 start\n"
		}
		b.script("prerm", upgrade, "upgrade", "3.0.1-r1")
		b.script("preinst", upgrade, "upgrade", "3.0.0-r1")
		b.script("postrm", upgrade, "upgrade", "3.0.1-r1")
		say(t, b, "") // what is in the kernel serves on
		b.script("postinst", upgrade, "configure")
		say(t, b, want)
	}
}

func TestAnUpgradeRestartsWhatRunsThoughItIsSwitchedOff(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.mwan3("\x7fELF")
	b.file("var/run/mwan3/mmx_mask", "0x3f00\n", 0o644)
	b.script("postinst", []string{"PKG_ROOT=/", "PKG_UPGRADE=1"}, "configure")
	say(t, b, "uci commit mwan3\nrpcd reload\nmwan3 enabled\nmwan3 start\n")
}

func TestUpstreamsTrackersEndAndNobodyIsLoggedOut(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.mwan3("#!/bin/sh\n")
	const info = "usr/lib/opkg/info/mwan3.postrm"
	for _, left := range []string{"var/state/mwan3", "var/run/mwan3/iptables_log/policies.dump"} {
		b.file(left, "left by upstream", 0o644)
	}
	b.file(info, "#!/bin/sh\nif [ -z \"${IPKG_INSTROOT}\" ]; then\n\t/etc/init.d/rpcd restart\nfi\n", 0o755)
	b.script("preinst", []string{"PKG_ROOT=/", "PKG_UPGRADE=1"}, "upgrade", "2.12.2-r1")
	say(t, b, "ubus call service delete {\"name\":\"mwan3\"}\n")
	if b.has("var/state/mwan3") || b.has("var/run/mwan3/iptables_log") {
		t.Error("what upstream never removes is still there")
	}
	b.run(nil, "/"+info, "upgrade", "3.0.0-r1")
	say(t, b, "rpcd reload\n")
}

func TestARemovalDisablesAndStopsAndRpcdForgets(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.mwan3("\x7fELF")
	b.script("prerm", []string{"PKG_ROOT=/", "PKG_UPGRADE=0"}, "remove")
	say(t, b, "mwan3 disable\nmwan3 stop\n")
	for _, left := range []string{"var/lock/mwan3.lock", "var/lock/procd_mwan3.lock", "var/run/mwan3user/wan"} {
		b.file(left, "", 0o644)
	}
	b.script("postrm", []string{"PKG_ROOT=/", "PKG_UPGRADE=0"}, "remove")
	say(t, b, "rpcd reload\n")
	if b.has("var/lock/mwan3.lock") || b.has("var/lock/procd_mwan3.lock") || b.has("var/run/mwan3user") {
		t.Error("a lock or a queue is still there")
	}
}

func TestBeforeUpstreamsPackageComesBackEverythingStops(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.mwan3("\x7fELF")
	b.file("etc/rc.d/S19mwan3", "", 0o755)
	b.script("prerm", []string{"PKG_ROOT=/", "PKG_UPGRADE=1"}, "upgrade", "2.12.2-r1")
	say(t, b, "mwan3 stop\n")
	if !b.has("etc/rc.d/S19mwan3") {
		t.Error("it is not switched on any more")
	}
}

func TestAnImageIsOnlyToldToStartMwan3(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.file("image/etc/init.d/mwan3", service, 0o755)
	b.file("image/etc/rc.d/S19mwan3", "", 0o755)
	for _, env := range [][]string{{"IPKG_INSTROOT=/image"}, {"PKG_ROOT=/image/"}} {
		b.script("preinst", env, "install")
		b.script("postinst", env, "configure")
		say(t, b, "rc.common /image/etc/init.d/mwan3 enable for /image\n")
	}
	b.script("postinst", []string{"IPKG_INSTROOT=/image", "IPKG_NO_SCRIPT=1"}, "configure")
	b.script("prerm", []string{"IPKG_INSTROOT=/image"}, "remove")
	b.script("postrm", []string{"IPKG_INSTROOT=/image"}, "remove")
	say(t, b, "")
	if b.has("image/etc/rc.d/S19mwan3") {
		t.Error("the removed package is still to be started")
	}
}
