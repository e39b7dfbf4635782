#!/bin/bash
# SPDX-License-Identifier: MIT
# The plugin in programs that set up again and again, fork, have signals, run short of descriptors, or lose their backend
# (lifetime_test.c), playing and recording.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start
lifetime=("${SOUND_ENV[@]}" timeout 60 "$BUILD/tests/host/lifetime-test")
ctl="'$BUILD/tests/host/xennodes' --ctl"
backend=$(host_backend 0)

# lives [OPTION...] CASE...: one program, its verdicts marked with its options
lives()
{
	local status=0
	as_guest "${lifetime[@]}" "$@" >"$HOST_DIR/lives.log" 2>&1 || status=$?
	if [ "$1" = -C ]; then
		sed 's/^\(not \)\?ok - /&recording: /' "$HOST_DIR/lives.log"
	else
		cat "$HOST_DIR/lives.log"
	fi
	[ "$status" = 0 ] || not_ok "a program with $* (exit status $status)"
}

for direction in '' -C; do
	for one in fork signals limit setup close unload; do
		lives ${direction:+"$direction"} "$one"
	done
	lives ${direction:+"$direction"} -n "$ctl counts dom=7" loops
done

# Refused by the backend, which can not make its file, and by the guest's own kernel, out of pages to share.
rm -f "$SOUND_OUT/out.wav"
lives -b "rm -f '$SOUND_OUT/out.wav'; mkdir '$SOUND_OUT/out.wav'" -m "rmdir '$SOUND_OUT/out.wav'" refused
lives -b "$ctl limit 4" -m "$ctl limit 1024" refused
lives -C -b "$ctl limit 4" -m "$ctl limit 1024" refused

# The backend changes its state more than once after the program has lost it.
mkfifo "$HOST_DIR/to" "$HOST_DIR/from"
exec {to}<>"$HOST_DIR/to" {from}<>"$HOST_DIR/from"
# loses [OPTION...]: it goes while a program plays or records, and comes back
loses()
{
	local line='' program
	start_guest program "${lifetime[@]}" "$@" -i "$HOST_DIR/to" loss >&"$from"
	while [ "$line" != '# end' ] && read -r -t "$HOST_PATIENCE" -u "$from" line; do
		printf '%s\n' "$line"
		case $line in
		'# playing') host_end "$SOUND_BACKEND" ;;
		*'has gone')
			store_write "$backend/state" 2
			store_write "$backend/state" 6
			echo >&"$to"
			;;
		esac
	done
	wait "$program" || HOST_FAILED=$((HOST_FAILED + 1))
	sound_backend_start
}

# What a program meets call by call. It waits in the file to be told that the backend is back.
lost()
{
	local line='' program
	start_guest program "${lifetime[@]}" "$@" -b 'echo "# gone?"' -m "echo '# back?'; read -r line <'$HOST_DIR/to'" "${lost_case:-lost}" >&"$from"
	while [ "$line" != '# end' ] && read -r -t "$HOST_PATIENCE" -u "$from" line; do
		printf '%s\n' "$line"
		case $line in
		'# gone?') host_end "$SOUND_BACKEND" ;;
		'# back?')
			sound_backend_run
			echo >&"$to"
			;;
		esac
	done
	wait "$program" || HOST_FAILED=$((HOST_FAILED + 1))
}

# suspended: what a program meets while the backend is away and may come back
for direction in '' -C; do
	lost_case=suspended lost ${direction:+"$direction"}
done

# From here on nobody waits for it.
printf 'defaults.pcm.xen.reconnect_timeout 0\n' >>"$HOST_DIR/alsa.conf"
for direction in '' -C; do
	loses ${direction:+"$direction"}
	lost ${direction:+"$direction"}
done

sound_end
[ "$HOST_FAILED" = 0 ]
