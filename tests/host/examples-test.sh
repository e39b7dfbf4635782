#!/bin/bash
# SPDX-License-Identifier: MIT
# alsa-lib's own examples, from the source that libasound2-dev has: every way to move samples that ALSA knows.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"
. "$(dirname "$0")/programs.sh"

EXAMPLES=/usr/share/doc/libasound2-dev/examples

# example_build NAME [SED-COMMAND...]: to $HOST_DIR/NAME
example_build()
{
	local name=$1 commands=(-e 's#"\.\./include/asoundlib.h"#<alsa/asoundlib.h>#')
	shift
	while [ $# -gt 0 ]; do
		commands+=(-e "$1")
		shift
	done
	: >"$HOST_DIR/config.h"
	sed "${commands[@]}" "$EXAMPLES/${name%-adapted}.c" >"$HOST_DIR/$name.c" &&
		gcc -O1 -g -w -o "$HOST_DIR/$name" "$HOST_DIR/$name.c" -lasound -lm -lpthread
}

sound_start
pcm=$HOST_DIR/pcm
reference=$HOST_DIR/reference.wav
half=$((44 + 24000 * 4))

for name in pcm pcm_min pcm-multi-thread latency; do
	check "the example $name builds" example_build "$name"
done
# Started together instead of linked.
check 'the example latency builds with separate starts' example_build latency-adapted \
	's/snd_pcm_link(chandle, phandle)/(0)/' \
	's/snd_pcm_start(chandle)/(snd_pcm_start(phandle), snd_pcm_start(chandle))/'

# sine DEVICE METHOD: all methods make the same sine, from its start
sine()
{
	plays_on "$half" "$pcm" -D "$1" -c 2 -r 48000 -m "$2" &&
		"$WAVTOOL" contains "$SOUND_OUT/out.wav" "$reference"
}

check 'pcm plays a sine' plays_on "$half" "$pcm" -D xenhw -c 2 -r 48000 -m write
head -c "$half" "$SOUND_OUT/out.wav" >"$reference"
for device in xenhw xen; do
	for method in write write_and_poll direct_interleaved direct_noninterleaved direct_write; do
		check "pcm, method $method on $device: the same sine" sine "$device" "$method"
	done
done
for method in write_and_poll direct_interleaved; do
	check "pcm, method $method with period events" plays_on "$half" "$pcm" -D xenhw -c 2 -r 48000 -e -m "$method"
done
check 'pcm without resampling' plays_on "$half" "$pcm" -D xen -c 2 -r 48000 -n
check 'pcm, small buffer and periods' plays_on "$half" "$pcm" -D xenhw -c 2 -r 48000 -b 200000 -p 50000 -m direct_write
for format in U8 S32_LE FLOAT_LE; do
	check "pcm, format $format on xenhw" plays_on "$half" "$pcm" -D xenhw -c 2 -r 96000 -o "$format"
done
for format in S16_BE S24_LE S24_3LE U16_LE; do
	check "pcm, format $format on xen" plays_on "$half" "$pcm" -D xen -c 2 -r 48000 -o "$format"
done
check 'pcm, six channels and a rate that the card lacks' plays_on "$half" "$pcm" -D xen -c 6 -r 32000
fails_as_expected pcm-async program 30 "$pcm" -D xenhw -c 2 -r 48000 -m async
fails_as_expected pcm-async-direct program 30 "$pcm" -D xenhw -c 2 -r 48000 -m async_direct

# The device is hard-wired: "default". It plays 16 times 16 KiB.
printf 'pcm.!default "xen"\n' >>"$HOST_DIR/alsa.conf"
min()
{
	rm -f "$SOUND_OUT/out.wav"
	silent program 30 "$HOST_DIR/pcm_min" &&
		[ "$(stat -c %s "$SOUND_OUT/out.wav")" -ge $((16 * 16384)) ]
}
check 'pcm_min plays on the default device, to its end' min

# Threads that ask for positions as fast as they can while another plays. The PCM's lock is not fair: the player may wait for it
# longer than the buffer lasts, which it recovers from.
threads=$HOST_DIR/pcm-multi-thread
asked()
{
	PLAYS_ON_EXCUSE='^read/write error -32$|underrun occurred$' \
		plays_on "$half" "$threads" -s playback -f S16_LE -r 48000 -p 4096 -b 32768 -q "$@"
}
for mode in avail status hwsync timestamp delay random; do
	check "four threads ask for $mode during playback" asked -D xenhw -t 4 -m "$mode"
done
check 'eight threads ask for anything, through the converters' asked -D xen -t 8 -m random

# It never ends: 124 is timeout's status, and it must have had nothing to say.
records_on()
{
	local said status=0
	said=$(program 2 "$threads" -D "$1" -s capture -f S16_LE -r 48000 -t 4 -m random -q 2>&1) || status=$?
	[ "$status" = 124 ] && [ -z "$said" ] && return
	printf '%s\nexit status %s\n' "$said" "$status"
	return 1
}
for device in xenhw xen; do
	check "four threads ask for anything during recording on $device" records_on "$device"
done

latency()
{
	leaky program 30 "$HOST_DIR/$1" -P "$2" -C "$2" -m 4096 -M 8192 -r 48000 -c 2 -f S16_LE -s 2 "${@:3}"
}
loops()
{
	local said
	said=$(latency latency-adapted "$@" 2>&1) || :
	grep -qx Success <<<"$said" && return
	printf '%s\n' "$said"
	return 1
}
for device in xenhw xen; do
	check "latency: what is recorded is played, on $device" loops "$device"
	check "latency, waiting by poll, on $device" loops "$device" -p
done
fails_as_expected latency latency latency xenhw

sound_end
[ "$HOST_FAILED" = 0 ]
