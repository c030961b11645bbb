# Plays procd's shell library: collects the instances of a service and hands them to procd in one call. Whoever sources it
# for an init script waits for all others that do, and holds the lock until its process, or a child that inherited
# file 1000, ends.
procd_lock() {
	flock -n 1000 2>/dev/null && return
	exec 1000>"$IPKG_INSTROOT/var/lock/procd_$name.lock"
	flock 1000
}

# quote makes its arguments JSON strings with commas between them, in $quoted: a subshell for each would take most of the
# time of a start.
quote() {
	local comma= word
	quoted=
	for word; do
		quoted="$quoted$comma\"$word\""
		comma=,
	done
}

procd_open_service() {
	service="\"name\":\"$1\",\"script\":\"$2\",\"instances\":{"
	instance_comma=
}

procd_open_instance() {
	service="$service$instance_comma\"$1\":{"
	instance_comma=,
	param_comma=
}

procd_set_param() {
	local kind="$1" value
	shift
	case "$kind" in
	respawn) [ $# -gt 0 ] || set -- 3600 5 5 ;;
	esac
	case "$kind" in
	env)
		table "$@"
		value="{$quoted}"
		;;
	stdout | stderr) value=true ;;
	*)
		quote "$@"
		value="[$quoted]"
		;;
	esac
	service="$service$param_comma\"$kind\":$value"
	param_comma=,
}

# table makes NAME=value... the members of a JSON object, in $quoted.
table() {
	local comma= pair
	quoted=
	for pair; do
		quoted="$quoted$comma\"${pair%%=*}\":\"${pair#*=}\""
		comma=,
	done
}

procd_close_instance() { service="$service}"; }

procd_add_reload_trigger() {
	local condition="[\"if\",[\"eq\",\"package\",\"$1\"],[\"run_script\",\"/etc/init.d/$name\",\"reload\"]]"
	service="$service[\"config.change\",$condition,1000]"
}

procd_close_service() {
	service="$service},\"triggers\":["
	service_triggers
	service="$service]"
	ubus call service "$1" "{$service}"
}

procd_kill() {
	if [ -n "$2" ]; then
		ubus call service delete "{\"name\":\"$1\",\"instance\":\"$2\"}"
	else
		ubus call service delete "{\"name\":\"$1\"}"
	fi
}

procd_lock
