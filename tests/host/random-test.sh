#!/bin/bash
# SPDX-License-Identifier: MIT
# Random calls (random_test.c), on two cards at once. RANDOM_COUNT: how many sequences in all; RANDOM_FIRST: the first seed.
# RANDOM_SEED=N plays only that one again, and shows what it does.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

count=${RANDOM_COUNT:-1000}
first=${RANDOM_FIRST:-1}
pids=()

# dies WORDS...: a test of its own beside the others
dies()
{
	local pid
	start_guest pid "${SOUND_ENV[@]}" timeout 300 "$BUILD/tests/host/random-test" "$@"
	pids+=("$pid")
}

host_start
SOUND_OUT=$HOST_DIR/out
mkdir "$SOUND_OUT"
sound_alsa_conf >"$HOST_DIR/alsa.conf"
SOUND_ENV=(env "ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf")
host_guest 7
offer=("sample-rates=8000,22050,44100,48000,96000" "sample-formats=u8,s16_le,s32_le,float_le" channels-max=2 buffer-size=65536
	0/0/type=p)
host_card 0 "${offer[@]}" '0/0/unique-id=wav<a%n.wav>'
host_card 1 "${offer[@]}" '0/0/unique-id=wav<b%n.wav>'
sound_backend_start
store_wait "$(host_backend 1)/state" 2

if [ -n "${RANDOM_SEED-}" ]; then
	dies -D xenhw:0 -o "$SOUND_OUT/a" -s "$RANDOM_SEED"
else
	dies -D xenhw:0 -o "$SOUND_OUT/a" -f "$first" -n "$((count / 2))"
	dies -D xenhw:1 -o "$SOUND_OUT/b" -f "$((first + count / 2))" -n "$((count - count / 2))"
fi
for pid in "${pids[@]}"; do
	wait "$pid" || HOST_FAILED=$((HOST_FAILED + 1))
done

sound_end
[ "$HOST_FAILED" = 0 ]
