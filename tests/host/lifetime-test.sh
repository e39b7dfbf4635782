#!/bin/bash
# SPDX-License-Identifier: MIT
# The plugin in programs that fork, run short of descriptors, or lose their backend (lifetime_test.c).
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start
lifetime=("${SOUND_ENV[@]}" timeout 30 "$BUILD/tests/host/lifetime-test")

for one in fork limit; do
	as_guest "${lifetime[@]}" "$one" || HOST_FAILED=$((HOST_FAILED + 1))
done

# The backend changes its state more than once after the program has lost it.
mkfifo "$HOST_DIR/to" "$HOST_DIR/from"
exec {to}<>"$HOST_DIR/to" {from}<>"$HOST_DIR/from"
program=
start_guest program "${lifetime[@]}" loss "$HOST_DIR/to" >&"$from"
line=
while [ "$line" != '# end' ] && read -r -t "$HOST_PATIENCE" -u "$from" line; do
	printf '%s\n' "$line"
	case $line in
	'# playing') host_end "$SOUND_BACKEND" ;;
	*'has gone')
		store_write "$(host_backend 0)/state" 2
		store_write "$(host_backend 0)/state" 6
		echo >&"$to"
		;;
	esac
done
wait "$program" || HOST_FAILED=$((HOST_FAILED + 1))

sound_end
[ "$HOST_FAILED" = 0 ]
