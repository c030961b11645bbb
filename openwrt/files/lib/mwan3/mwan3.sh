# shellcheck shell=ash
# For scripts that source this file: what others have been seen to use of it. mwan3 itself does not use it.
# shellcheck disable=SC2034,SC3043 # whoever sources this reads the variables; ash has local

# shellcheck source=/dev/null # common.sh, checked by itself
. "${IPKG_INSTROOT}/lib/mwan3/common.sh"

# mwan3_init sets MMX_MASK, the bits of a packet's mark that mwan3 may use, and the special marks under it. The highest
# three numbers that fit into the bits stand for: all bits set (default), all but the lowest (unreachable), all but the second
# lowest (blackhole).
mwan3_init() {
	local lowest second rest

	MMX_MASK=0x3f00
	if [ -r "$MWAN3_STATUS_DIR/mmx_mask" ]; then
		read -r MMX_MASK <"$MWAN3_STATUS_DIR/mmx_mask"
	fi
	lowest=$((MMX_MASK & -MMX_MASK))
	rest=$((MMX_MASK & ~lowest))
	second=$((rest & -rest))
	MMX_DEFAULT=$(printf '0x%x' "$((MMX_MASK))")
	MMX_UNREACHABLE=$(printf '0x%x' "$((MMX_MASK & ~lowest))")
	MMX_BLACKHOLE=$(printf '0x%x' "$((MMX_MASK & ~second))")
}

# mwan3_get_iface_id <variable> <interface> sets the variable to the interface's number: the one of its routing table, and
# added to 1000, 2000 and 3000 those of its ip rules. Empty for an interface that is not in the configuration.
mwan3_get_iface_id() {
	export "$1=$(/usr/sbin/mwan3 id "$2" 2>/dev/null)"
}

# mwan3_report_policies_v4 and _v6 print the policies that are active, as `mwan3 policies` shows them.
mwan3_report_policies_v4() {
	mwan3_report_policies ipv4
}

mwan3_report_policies_v6() {
	mwan3_report_policies ipv6
}

mwan3_report_policies() {
	/usr/sbin/mwan3 policies | sed -n "/^Current $1 policies:/,/^\$/ { /^Current /d; /^\$/d; p; }"
}

# Nothing needs to be locked any more: each run of mwan3 changes all at once.
mwan3_lock() {
	return 0
}

mwan3_unlock() {
	return 0
}
