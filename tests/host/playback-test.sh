#!/bin/bash
# SPDX-License-Identifier: MIT
# aplay plays through the plugin, the real libraries and xensnd-backend; what the backend writes is compared bit by bit.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start
wav=$HOST_DIR/in.wav

# plays FILE [APLAY-OPTION...]: by xenhw, and what came out is what went in
plays()
{
	local file=$1
	shift
	rm -f "$SOUND_OUT/out.wav"
	as_guest timeout 30 "${SOUND_ENV[@]}" aplay -q "$@" "$file" && "$WAVTOOL" same "$SOUND_OUT/out.wav" "$file"
}

# quiet CMD...: succeeds and says nothing, which for aplay means without an underrun
quiet()
{
	local said
	said=$("$@" 2>&1) || { printf '%s\n' "$said"; return 1; }
	! grep -qv 'frames, bit-exact\|^$' <<<"$said" || { printf '%s\n' "$said"; return 1; }
}

listed()
{
	local names
	names=$(as_guest "${SOUND_ENV[@]}" aplay -L)
	grep -qx xen <<<"$names" && grep -qx xenhw <<<"$names"
}
check 'aplay -L lists xen and xenhw' listed

"$WAVTOOL" make "$wav" s16 48000 2 24000
check 'playback by pcm.xen is bit-exact' quiet plays "$wav" -D xen
check 'playback by pcm.xenhw is bit-exact' quiet plays "$wav" -D xenhw
check 'a card and a device can be named' quiet plays "$wav" -D xen:CARD=0,DEV=0
check 'mmap access plays bit-exact' quiet plays "$wav" -D xenhw -M
check 'non-blocking access with poll plays bit-exact' quiet plays "$wav" -D xenhw -N
check 'non-blocking mmap access plays bit-exact' quiet plays "$wav" -D xenhw -M -N
check 'positions and delays are plausible throughout' quiet plays "$wav" -D xenhw --test-position
check 'small periods play bit-exact' quiet plays "$wav" -D xenhw --period-size=256 --buffer-size=2048
check 'a buffer that is no multiple of the period plays bit-exact' \
	quiet plays "$wav" -D xenhw --period-size=1000 --buffer-size=3500
check 'a start threshold of a period plays bit-exact' quiet plays "$wav" -D xenhw -R 1

for format in u8 s16 s32 float; do
	for channels in 1 2; do
		for rate in 8000 22050 44100 48000 96000; do
			"$WAVTOOL" make "$wav" "$format" "$rate" "$channels" "$((rate / 8))"
			check "$format, $channels channels, $rate Hz is bit-exact" quiet plays "$wav" -D xenhw
		done
	done
done

# Shorter than the start threshold: drain has to start it, and to end although no period is ever complete.
for frames in 1 7 100; do
	"$WAVTOOL" make "$wav" s16 48000 2 "$frames"
	check "a file of $frames frames plays to its end" quiet plays "$wav" -D xenhw
done
"$WAVTOOL" make "$wav" s24 44100 2 11025
check 'a format that the card lacks is converted' quiet as_guest timeout 30 "${SOUND_ENV[@]}" aplay -q -D xen "$wav"
check 'an empty file plays' as_guest timeout 30 "${SOUND_ENV[@]}" aplay -q -D xen -t raw -f dat /dev/null

# Interrupted: aplay says so and fails, and nothing hangs.
interrupted()
{
	local pid
	start_guest pid timeout -s INT 1 "${SOUND_ENV[@]}" aplay -q -D xen -f dat /dev/zero
	! wait "$pid"
}
check 'an interrupted aplay ends at once' interrupted

"$WAVTOOL" make "$wav" s16 48000 2 24000
killed()
{
	local pid
	start_guest pid "${SOUND_ENV[@]}" aplay -q -D xen -f dat /dev/zero
	store_wait "$(host_frontend 0)/state" 4
	host_end "$pid" KILL
	plays "$wav" -D xen
}
for round in 1 2 3 4 5; do
	check "a killed aplay is taken over, round $round" quiet killed
done

check 'the backend waits for the next program after a close' \
	test "$(store_read "$(host_backend 0)/state")" = 2
sound_end
[ "$HOST_FAILED" = 0 ]
