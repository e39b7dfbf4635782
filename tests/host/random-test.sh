#!/bin/bash
# SPDX-License-Identifier: MIT
# Random calls (random_test.c), on two cards at once, half of them recording. RANDOM_COUNT: how many sequences in all;
# RANDOM_FIRST: the first seed. RANDOM_SEED=N only that one again, by RANDOM_CARD (0 or 1), recording if RANDOM_CAPTURE is set.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

count=${RANDOM_COUNT:-1000}
first=${RANDOM_FIRST:-1}
pids=()

# dies WORDS...: rolls them, beside the others
dies()
{
	local pid
	start_guest pid "${SOUND_ENV[@]}" timeout 300 "$BUILD/tests/host/random-test" "$@"
	pids+=("$pid")
}

ended()
{
	local pid
	for pid in "${pids[@]}"; do
		wait "$pid" || HOST_FAILED=$((HOST_FAILED + 1))
	done
	pids=()
}

host_start
SOUND_OUT=$HOST_DIR/out
mkdir "$SOUND_OUT"
sound_alsa_conf >"$HOST_DIR/alsa.conf"
SOUND_ENV=(env "ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf")
host_guest 7
offer=("sample-rates=8000,22050,44100,48000,96000" "sample-formats=u8,s16_le,s32_le,float_le" channels-max=2 buffer-size=65536
	0/0/type=p)
host_card 0 "${offer[@]}" '0/0/unique-id=wav<a%n.wav>' 0/1/type=c '0/1/unique-id=wav<source0.wav>'
host_card 1 "${offer[@]}" '0/0/unique-id=wav<b%n.wav>' 0/1/type=c '0/1/unique-id=wav<source1.wav>'
"$BUILD/tests/host/random-test" -m "$SOUND_OUT/source0.wav"
"$BUILD/tests/host/random-test" -M "$SOUND_OUT/source1.wav"
sound_backend_start
store_wait "$(host_backend 1)/state" 2

if [ -n "${RANDOM_SEED-}" ]; then
	card=${RANDOM_CARD:-0}
	[ "$card" = 0 ] && out=a || out=b
	dies -D "xenhw:$card" -o "$SOUND_OUT/$out" -s "$RANDOM_SEED" ${RANDOM_CAPTURE:+-c}
	ended
else
	part=$((count / 4))
	dies -D xenhw:0 -o "$SOUND_OUT/a" -f "$first" -n "$part"
	dies -D xenhw:1 -o "$SOUND_OUT/b" -f "$((first + part))" -n "$part"
	ended
	dies -c -D xenhw:0 -f "$((first + 2 * part))" -n "$part"
	dies -c -D xenhw:1 -f "$((first + 3 * part))" -n "$((count - 3 * part))"
	ended
fi

sound_end
[ "$HOST_FAILED" = 0 ]
