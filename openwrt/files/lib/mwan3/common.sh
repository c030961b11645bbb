# shellcheck shell=ash
# For scripts that source this file: the log, and where mwan3 keeps its files. mwan3 itself does not use it.
# shellcheck disable=SC2034,SC3043 # whoever sources this reads them; ash has local

MWAN3_STATUS_DIR="/var/run/mwan3"
MWAN3TRACK_STATUS_DIR="/var/run/mwan3track"

# LOG <level> <text...> writes a line into the system log, under the name of the script in SCRIPTNAME. As ever, what has the
# level debug is not written.
LOG() {
	local level="$1"

	shift
	[ "$level" = "debug" ] || logger -t "${SCRIPTNAME:-mwan3}[$$]" -p "user.$level" "$*"
}
