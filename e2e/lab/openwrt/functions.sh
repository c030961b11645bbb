# Plays OpenWrt's library, as far as the scripts of packages need it.

# packaged lists the files of a kind that the package has: pkgname, or that of the script.
packaged() {
	local name="${pkgname:-$(basename "${2%.*}")}"

	cat "$IPKG_INSTROOT/usr/lib/opkg/info/$name.list" "$IPKG_INSTROOT/lib/apk/packages/$name.list" 2>/dev/null | grep "^$1"
}

# own_part runs the part of a package's script that the package's maker has written. apk's scripts have it in themselves.
own_part() {
	local part="$IPKG_INSTROOT/usr/lib/opkg/info/$(basename "${2%.*}").$1-pkg"

	shift
	[ ! -f "$part" ] || ( . "$part" )
}

add_group_and_user() { return 0; }

# run_defaults runs each file of /etc/uci-defaults once: it goes unless it fails.
run_defaults() {
	local file

	for file in $(packaged /etc/uci-defaults/ "$1"); do
		( [ -f "$file" ] && cd /etc/uci-defaults && . "$file" ) && rm -f "$file"
	done
	uci commit
	rm -f /tmp/luci-indexcache.*
}

default_postinst() {
	local script failed=0

	own_part postinst "$@" || failed=$?
	if [ -z "$IPKG_INSTROOT" ]; then
		mkdir -p /tmp/.uci
		run_defaults "$1"
	fi
	for script in $(packaged /etc/init.d/ "$1"); do
		if [ -n "$IPKG_INSTROOT" ]; then
			/bin/sh "$IPKG_INSTROOT/etc/rc.common" "$IPKG_INSTROOT$script" enable
			continue
		fi
		[ "$PKG_UPGRADE" = 1 ] || "$script" enable
		"$script" start
	done
	return $failed
}

default_prerm() {
	local script failed=0

	own_part prerm "$@" || failed=$?
	for script in $(packaged /etc/init.d/ "$1"); do
		if [ -n "$IPKG_INSTROOT" ]; then
			/bin/sh "$IPKG_INSTROOT/etc/rc.common" "$IPKG_INSTROOT$script" disable
			continue
		fi
		[ "$PKG_UPGRADE" = 1 ] || "$script" disable
		"$script" stop
	done
	return $failed
}
