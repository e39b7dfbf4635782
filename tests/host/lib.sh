# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the host tests: a Xen host in a folder. The hypervisor and /dev/xen are emulated (nodes/), xenstored and
# all libraries are Debian's own. BUILD names the build folder. README.md says what each function does.

: "${BUILD:?the build folder, absolute}"
HOST_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/packages.sh
. "$HOST_TESTS/../../scripts/lib/packages.sh"

HOST_PATIENCE=${HOST_PATIENCE:-20}	# seconds that anything may take before it counts as hung
HOST_CACHE=${HOST_CACHE:-$BUILD/cache}
HOST_DIR=
HOST_STARTED=()
HOST_FAILED=0
HOST_GUEST=${HOST_GUEST:-0}	# the domain that as_guest, start_guest and host_card mean; 0: everything is domain 0

# ---- TAP ----

ok()
{
	printf 'ok - %s\n' "$1"
}

not_ok()
{
	HOST_FAILED=$((HOST_FAILED + 1))
	printf 'not ok - %s\n' "$1"
}

skip()
{
	printf 'ok - %s # SKIP %s\n' "$1" "$2"
}

# check NAME CMD...: ok if the command succeeds; else its output, as comments
check()
{
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name"
		printf '%s\n' "$output" | sed 's/^/#  /'
	fi
}

# ---- xenstored, unpacked, not installed ----

host_xenstored()
{
	printf '%s\n' "$HOST_CACHE/root/usr/lib/xen-4.17/bin/xenstored"
}

host_fetch()
{
	local package
	[ -x "$(host_xenstored)" ] && [ -x "$HOST_CACHE/root/usr/bin/xenstore-write" ] && return
	fetch_packages "$HOST_CACHE" xen-utils-4.17 xenstore-utils || return
	for package in xen-utils-4.17 xenstore-utils; do
		unpack_package "$(package_file "$HOST_CACHE" "$package")" "$HOST_CACHE/root" || return
	done
}

# ---- start and stop ----

host_start()
{
	local line=
	host_fetch
	HOST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/xensnd-host.XXXXXX")
	trap host_stop EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	chmod 755 "$HOST_DIR"
	export XENNODES_DIR=$HOST_DIR/nodes
	export XENSTORED_RUNDIR=$HOST_DIR/store XENSTORED_ROOTDIR=$HOST_DIR/store XENSTORED_PATH=$HOST_DIR/store/socket
	mkdir "$XENNODES_DIR" "$XENSTORED_RUNDIR"
	exec {host_ready}< <(exec "$BUILD/tests/host/xennodes")
	HOST_STARTED+=("$!")
	if ! read -r -t "$HOST_PATIENCE" -u "$host_ready" line; then
		echo 'xennodes did not start' >&2
		return 1
	fi
	exec {host_ready}<&-
	host_store_start
}

# xenstored tells the kernel that it is ready, through an event channel
host_store_start()
{
	host_start_with HOST_STORE_PID XENNODES_SYSTEM=1 LD_PRELOAD="$(host_preload)" \
		"$(host_xenstored)" -N --pid-file "$XENSTORED_RUNDIR/pid"
	nodes_ctl wait xenstored=1 || return
	chmod 666 "$XENSTORED_PATH"
}

host_stop()
{
	local i
	trap - EXIT
	for ((i = ${#HOST_STARTED[@]} - 1; i >= 0; i--)); do
		host_end "${HOST_STARTED[i]}"
	done
	HOST_STARTED=()
	[ -z "$HOST_DIR" ] || rm -rf "$HOST_DIR"
	HOST_DIR=
}

# host_end PID [SIGNAL]: ends a process that was started here and waits for it
host_end()
{
	kill "-${2:-TERM}" "$1" 2>/dev/null || return 0
	wait "$1" 2>/dev/null || :
}

# ---- running things ----

host_preload()
{
	local library=$BUILD/tests/host/.libs/libxennodes.so
	[ -e "$library" ] || { echo "$library is missing: make check builds it" >&2; return 1; }
	printf '%s\n' "${HOST_SANITIZER:+$HOST_SANITIZER:}$library"
}

host_start_with()
{
	local variable=$1
	shift
	env "$@" &
	HOST_STARTED+=("$!")
	printf -v "$variable" '%s' "$!"
}

# host_as guest|dom0: the environment of a process there, as words for env
host_as()
{
	printf 'LD_PRELOAD=%s\n' "$(host_preload)"
	[ "$1" = guest ] && [ "$HOST_GUEST" != 0 ] || return 0
	printf '%s\n' "XENNODES_DOMID=$HOST_GUEST" "XENSTORED_PATH=$XENNODES_DIR/xenbus-$HOST_GUEST.sock"
}

as_guest()
{
	local words
	mapfile -t words < <(host_as guest)
	env "${words[@]}" "$@"
}

as_dom0()
{
	local words
	mapfile -t words < <(host_as dom0)
	env "${words[@]}" "$@"
}

# start_guest VARIABLE CMD...: in the background; its pid goes to the variable; ended by host_stop at the latest
start_guest()
{
	local variable=$1 words
	shift
	mapfile -t words < <(host_as guest)
	host_start_with "$variable" "${words[@]}" "$@"
}

start_dom0()
{
	local variable=$1 words
	shift
	mapfile -t words < <(host_as dom0)
	host_start_with "$variable" "${words[@]}" "$@"
}

nodes_ctl()
{
	"$BUILD/tests/host/xennodes" --ctl "$@"
}

# ---- XenStore ----

store_read()
{
	"$HOST_CACHE/root/usr/bin/xenstore-read" "$1" 2>/dev/null
}

# store_write PATH VALUE [PATH VALUE...]
store_write()
{
	"$HOST_CACHE/root/usr/bin/xenstore-write" "$@"
}

store_remove()
{
	"$HOST_CACHE/root/usr/bin/xenstore-rm" "$1"
}

# store_permit PATH PERMISSION...: for the node and all below it, as xenstore-chmod has them
store_permit()
{
	"$HOST_CACHE/root/usr/bin/xenstore-chmod" -r "$@"
}

# store_wait PATH VALUE...: until the node reads as one of the values
store_wait()
{
	local path=$1 line now value watch pid
	shift
	exec {watch}< <(exec "$HOST_CACHE/root/usr/bin/xenstore-watch" "$path")
	pid=$!
	while read -r -t "$HOST_PATIENCE" -u "$watch" line; do
		now=$(store_read "$path") || now=
		for value in "$@"; do
			[ "$now" = "$value" ] && line=found
		done
		[ "$line" = found ] && break
	done
	exec {watch}<&-
	host_end "$pid"
	[ "$line" = found ] && return
	echo "$path is '$(store_read "$path")', not $*, after $HOST_PATIENCE s" >&2
	return 1
}

# ---- sound cards ----

host_frontend()
{
	printf '/local/domain/%s/device/vsnd/%s\n' "$HOST_GUEST" "$1"
}

host_backend()
{
	printf '/local/domain/0/backend/vsnd/%s/%s\n' "$HOST_GUEST" "$1"
}

# host_guest DOMID: a guest with a domain id of its own, known to xenstored; HOST_GUEST becomes that
host_guest()
{
	local home=/local/domain/$1
	nodes_ctl domain "$1" || return
	HOST_GUEST=$1
	store_write "$home/domid" "$1" "$home/name" "guest$1" "$home/device" '' "$home/data" '' "$home/control/shutdown" ''
	store_permit "$home" n0 "r$1"
	store_permit "$home/data" "n$1"
	store_permit "$home/control/shutdown" "n$1"
}

# host_restored OLD NEW: the guest's processes go on in the domain that host_guest has made for them
host_restored()
{
	nodes_ctl move "$1" "$2" || return
	nodes_ctl release "$1" || return
	store_remove "/local/domain/$1"
	HOST_GUEST=$2
}

# host_guest_end DOMID: its domain is gone
host_guest_end()
{
	nodes_ctl release "$1" || return
	store_remove "/local/domain/$1"
	HOST_GUEST=0
}

# host_card DEVID KEY=VALUE...: as libxl writes it; keys such as short-name, 0/name, 0/0/type
host_card()
{
	local front back pair nodes=()
	front=$(host_frontend "$1")
	back=$(host_backend "$1")
	shift
	for pair in "$@"; do
		nodes+=("$front/${pair%%=*}" "${pair#*=}")
	done
	store_write "$back/frontend" "$front" "$back/frontend-id" "$HOST_GUEST" "$back/online" 1 "$back/state" 1 \
		"$front/backend" "$back" "$front/backend-id" 0 "$front/state" 1 "${nodes[@]}" || return
	[ "$HOST_GUEST" = 0 ] && return
	store_permit "$front" "n$HOST_GUEST" r0
	store_permit "$back" n0 "r$HOST_GUEST"
}

# host_card_remove DEVID: the nodes, as after a forced removal
host_card_remove()
{
	store_remove "$(host_frontend "$1")"
	store_remove "$(host_backend "$1")"
}
