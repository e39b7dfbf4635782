#!/bin/bash
# SPDX-License-Identifier: MIT
# One process plays and records for half a minute, by one poll loop, and both directions are bit-exact.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

sound_start '0/1/unique-id=wav<source.wav>'
played=$HOST_DIR/played.wav
recorded=$HOST_DIR/recorded.wav
"$WAVTOOL" make "$played" s16 48000 2 1440000 1
"$WAVTOOL" make "$SOUND_OUT/source.wav" s16 48000 2 1440000 2

check 'a program plays and records 30 s at once without an xrun' as_guest timeout 60 "${SOUND_ENV[@]}" \
	"$BUILD/tests/tools/duplex" xenhw xenhw "$played" "$recorded"
check 'what it played is bit-exact' "$WAVTOOL" same "$SOUND_OUT/out.wav" "$played"
check 'what it recorded is bit-exact' "$WAVTOOL" same "$recorded" "$SOUND_OUT/source.wav"

sound_end
[ "$HOST_FAILED" = 0 ]
