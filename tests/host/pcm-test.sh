#!/bin/bash
# SPDX-License-Identifier: MIT
# ALSA's promises to a program that plays, case by case (pcm_test.c), on the real backend. Where data matters, what came
# out is compared with what went in.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start 1/name=Second 1/0/type=p '1/0/unique-id=wav<out1.wav>'
wav=$HOST_DIR/in.wav
wav1=$HOST_DIR/in1.wav
"$WAVTOOL" make "$wav" s16 48000 2 30001
"$WAVTOOL" make "$wav1" s16 48000 2 20011 7

# promises [OPTION...] CASE...: a program of its own
promises()
{
	as_guest timeout 60 "${SOUND_ENV[@]}" "$BUILD/tests/host/pcm-test" -i "$wav" -j "$wav1" "$@" ||
		HOST_FAILED=$((HOST_FAILED + 1))
}

same()
{
	check "$1 is bit-exact" "$WAVTOOL" same "$SOUND_OUT/$2" "$3"
}

for one in rewind-all pause-at-the-end underrun no-underrun setup prepare pause poll level nonblock drain position; do
	promises -D xenhw "$one"
done
for one in mmap mmap-planes writen pausing; do
	promises -D xenhw "$one"
	same "what $one played" out.wav "$wav"
done
promises -D xenhw -E xenhw:0,1 two
same 'what the one device played' out.wav "$wav"
same 'what the other device played' out1.wav "$wav1"

for one in reset rewind rewind-running forward; do
	promises -D xenhw -j "$SOUND_OUT/out.wav" "$one"
done

# The same through alsa-lib's converters, as most programs play.
for one in underrun setup prepare nonblock drain; do
	promises -D xen "$one"
done

sound_end
[ "$HOST_FAILED" = 0 ]
