#!/bin/bash
# SPDX-License-Identifier: MIT
# alsa-utils with the options that change how they play and record: aplay, arecord, speaker-test, alsaloop, axfer.
# playback-test.sh compares more of aplay's, bit by bit.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"
. "$(dirname "$0")/programs.sh"

sound_start '0/1/unique-id=wav<source.wav>'
wav=$HOST_DIR/in.wav
source=$SOUND_OUT/source.wav
recorded=$HOST_DIR/recorded.wav
"$WAVTOOL" make "$wav" s16 48000 2 24000
"$WAVTOOL" make "$source" s16 48000 2 96000 5
half=$((44 + 24000 * 4))

# ---- aplay ----

# plays OPTION...: what came out is what went in, and aplay had nothing to say
plays()
{
	rm -f "$SOUND_OUT/out.wav"
	silent program 30 aplay -q "$@" "$wav" && "$WAVTOOL" same "$SOUND_OUT/out.wav" "$wav"
}

for device in xenhw xen; do
	for options in '' -M -N '-M -N'; do
		# shellcheck disable=SC2086 # words
		check "aplay -D $device $options --test-position" plays -D "$device" --test-position $options
	done
	check "aplay -D $device --test-position --test-nowait" plays -D "$device" --test-position --test-nowait
	check "aplay -D $device -M -N --test-position --test-nowait" \
		plays -D "$device" -M -N --test-position --test-nowait
done
sizes='--period-size=4096 --buffer-size=16384'
for thresholds in '-A 1000' '-R 1000' '-R 0' '-R -100000' '-T 0' '-T 300000' '-A 1000 -R 0 -T 0' '-A 100000 -R 50000'; do
	# shellcheck disable=SC2086 # words
	check "aplay with thresholds $thresholds" plays -D xenhw $sizes $thresholds
done
check 'aplay with buffer and period times' plays -D xenhw -B 400000 -F 50000
check 'aplay with all errors fatal' plays -D xenhw --fatal-errors
check 'aplay without conversions' plays -D xen --disable-resample --disable-channels --disable-format --disable-softvol
check 'aplay with a channel map' plays -D xenhw -m FL,FR

# One file for each channel.
for side in left right; do
	"$WAVTOOL" make "$HOST_DIR/$side.wav" s16 48000 1 24000 "${#side}"
	tail -c +45 "$HOST_DIR/$side.wav" >"$HOST_DIR/$side.raw"
done
# samples COLUMN FILE WIDTH: one channel's, one a line
samples()
{
	tail -c +45 "$2" | head -c "$((24000 * $3))" | od -An -v -t x2 -w"$3" | awk -v "column=$1" '{ print $column }'
}
both_sides()
{
	cmp <(samples 1 "$1" 4) <(samples 1 "$HOST_DIR/left.wav" 2) && cmp <(samples 2 "$1" 4) <(samples 1 "$HOST_DIR/right.wav" 2)
}
separate()
{
	rm -f "$SOUND_OUT/out.wav"
	silent program 30 aplay -q -D "$@" -I -t raw -f S16_LE -c 2 -r 48000 "$HOST_DIR/left.raw" "$HOST_DIR/right.raw" &&
		both_sides "$SOUND_OUT/out.wav"
}
check 'aplay -I plays a file for each channel' separate xenhw
check 'aplay -I -M plays a file for each channel' separate xenhw -M
check 'aplay -I plays a file for each channel through the converters' separate xen

constraints()
{
	local said
	said=$(program 30 aplay -D xenhw --dump-hw-params -d 1 -f dat /dev/zero 2>&1) || return
	grep -q '^ACCESS: *MMAP_INTERLEAVED MMAP_NONINTERLEAVED RW_INTERLEAVED RW_NONINTERLEAVED$' <<<"$said" &&
		grep -q '^FORMAT: *U8 S16_LE S32_LE FLOAT_LE$' <<<"$said" &&
		grep -q '^CHANNELS: *\[1 2\]$' <<<"$said" &&
		grep -q '^RATE: *\[8000 96000\]$' <<<"$said" &&
		grep -q '^BUFFER_BYTES: *\[.* 131072\]$' <<<"$said" && return
	printf '%s\n' "$said"
	return 1
}
check 'aplay --dump-hw-params shows what the card was given' constraints
described()
{
	local said
	said=$(program 30 aplay -v -D xen -d 1 -f dat /dev/zero 2>&1) && grep -q 'Xen PCM' <<<"$said" && return
	printf '%s\n' "$said"
	return 1
}
check 'aplay -v describes the card below the converters' described

piped()
{
	head -c "$1" /dev/zero | silent program 30 aplay -q -D "$2" -f dat -t raw -
}
for bytes in 4 400 4000; do
	for device in xenhw xen; do
		check "aplay plays $bytes bytes, less than it starts at, on $device" piped "$bytes" "$device"
	done
done
for one in 'S24_3LE 6 96000' 'S16_LE 6 48000' 'FLOAT_BE 1 11025' 'MU_LAW 1 8000' 'U8 2 192000'; do
	read -r format channels rate <<<"$one"
	check "aplay converts $format, $channels channels, $rate Hz" \
		silent program 30 aplay -q -D xen -f "$format" -c "$channels" -r "$rate" -d 1 /dev/zero
done

# Aborted in the middle: says so, and gives everything back. Its status depends on where the signal meets it.
aborted()
{
	local pid status=0 log=$HOST_DIR/aborted.log
	rm -f "$SOUND_OUT/out.wav"
	start_guest pid "${SOUND_ENV[@]}" aplay -D "$@" -f dat /dev/zero >"$log" 2>&1
	arrives "$half" || return
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ "$status" -le 1 ] && grep -q 'Aborted by signal Interrupt' "$log" && nodes_ctl wait grants=0 mapped=0 dom=7 && return
	cat "$log"
	echo "exit status $status"
	return 1
}
check 'an aborted aplay ends' aborted xenhw
check 'an aborted aplay -M -N ends' aborted xenhw -M -N
check 'an aborted aplay ends, through the converters' aborted xen

fails_as_expected alsactl program 30 alsactl store xen

# ---- speaker-test ----

check 'speaker-test, sine' program 30 speaker-test -D xen -c 2 -r 48000 -t sine -l 1 -p 100000
check 'speaker-test, pink noise, on the bare card' program 30 speaker-test -D xenhw -F S16_LE -c 2 -r 48000 -t pink -l 1 -b 400000 -p 50000
check 'speaker-test, WAV files' program 30 speaker-test -D xen -c 2 -r 48000 -t wav -l 1

# ---- arecord ----

# records OPTION...: a second, complete, and as it is in the backend's file
records()
{
	rm -f "$recorded"
	silent program 30 arecord -q -f S16_LE -c 2 -r 48000 -d 1 "$@" "$recorded" &&
		gapless "$source" "$recorded" 48000
}
for device in xenhw xen; do
	for options in '' -M -N '-M -N'; do
		# shellcheck disable=SC2086 # words
		check "arecord -D $device $options --test-position" records -D "$device" --test-position $options
	done
done
check 'arecord --test-position --test-nowait' records -D xenhw --test-position --test-nowait
check 'arecord with thresholds' records -D xenhw --period-size=4096 --buffer-size=16384 -A 1000 -R 0 -T 0
check 'arecord with small periods' records -D xenhw --period-size=512 --buffer-size=16384
check 'arecord with all errors fatal' records -D xenhw --fatal-errors
separately()
{
	silent program 30 arecord -q -D xenhw -I -t raw -f S16_LE -c 2 -r 48000 -d 1 "$HOST_DIR/0.raw" "$HOST_DIR/1.raw" &&
		cmp <(samples 1 "$source" 4) <(head -c 48000 "$HOST_DIR/0.raw" | od -An -v -t x2 -w2 | tr -d ' ') &&
		cmp <(samples 2 "$source" 4) <(head -c 48000 "$HOST_DIR/1.raw" | od -An -v -t x2 -w2 | tr -d ' ')
}
check 'arecord -I records a file for each channel' separately
check 'arecord converts' silent program 30 arecord -q -D xen -f S24_3LE -c 1 -r 44100 -d 1 /dev/null

# ---- both ----

# The card belongs to one process, which alsaloop is.
loop()
{
	leaky plays_on "$half" alsaloop -C "$1" -P "$1" -f S16_LE -c 2 -r 48000 -t 200000 -S none "${@:2}"
}
check 'alsaloop plays what it records, on xenhw' loop xenhw
check 'alsaloop plays what it records, on xen' loop xen
check 'alsaloop, blocking' loop xenhw -b
check 'alsaloop, with small buffers' loop xenhw -t 50000

sound_end
[ "$HOST_FAILED" = 0 ]
