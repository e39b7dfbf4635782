# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Part of dom0's and of the guests' image: what both need to come up, and the words that tests speak in both.
# Where a line of results goes is up to 'report', which each side defines.

# machine_up: file systems (/dev is there already) and users
machine_up()
{
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	mount -t tmpfs tmpfs /run
	mkdir -p /run/lock /run/lab
	chmod 1777 /tmp /dev/shm
	ln -s /proc/self/fd /dev/fd
	ip link set lo up
	users
}

# users: 'user' may use sound, 'stranger' may not
users()
{
	printf '%s\n' root:x:0:0::/root:/bin/sh user:x:1000:1000::/tmp:/bin/sh stranger:x:1001:1001::/tmp:/bin/sh \
		nobody:x:65534:65534::/:/bin/sh >/etc/passwd
	printf '%s\n' root:x:0: audio:x:29:user user:x:1000: stranger:x:1001: nogroup:x:65534: >/etc/group
}

load_module()
{
	modprobe "$@"
}

tap_ok()
{
	report "ok - $1"
}

tap_not_ok()
{
	report "not ok - $1"
}

tap_skip()
{
	report "ok - $1 # SKIP $2"
}

note()
{
	report "# $*"
}

# check WHAT COMMAND...
check()
{
	check_what=$1
	shift
	if "$@"; then
		tap_ok "$check_what"
	else
		echo "failed: $*"
		tap_not_ok "$check_what"
	fi
}

# log_await FILE TIMEOUT REGEX [PID]: waits for a line, but not longer than the process lives
log_await()
{
	timeout "$2" tail -n +1 -s 0.2 ${4:+"--pid=$4"} -F "$1" 2>/dev/null | grep -q -m 1 -E -e "$3"
}

# xenstore_await TIMEOUT PATH COMMAND...: waits until the command, which looks at PATH, succeeds
xenstore_await()
{
	await_fifo=$(mktemp -u /run/lab/await.XXXXXX)
	mkfifo "$await_fifo"
	timeout "$1" xenstore-watch "$2" >"$await_fifo" &
	await_pid=$!
	await_status=124
	shift 2
	while read -r _; do
		if "$@"; then
			await_status=0
			break
		fi
	done <"$await_fifo"
	kill "$await_pid" 2>/dev/null || :
	wait "$await_pid" 2>/dev/null || :
	rm "$await_fifo"
	return "$await_status"
}
