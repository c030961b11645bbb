#!/bin/sh
# Each program tells the version of the package. The packages feed's tests call this on a router with PKG_NAME and
# PKG_VERSION; both are also the arguments.

case "${PKG_NAME:-$1}" in
mwan3)
	for program in mwan3 mwan3rtmon mwan3track; do
		"$program" --version | grep -F "$program ${PKG_VERSION:-$2}" || exit 1
	done
	;;
*)
	echo "not a package of this folder: ${PKG_NAME:-$1}" >&2
	exit 1
	;;
esac
