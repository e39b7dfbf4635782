#!/bin/bash
# SPDX-License-Identifier: MIT
# Thousands of opens and set-ups leave nothing behind (leak_test.c). To connect a card takes many round trips by XenStore, so most
# opens are made while another PCM keeps the card. LEAK_ROUNDS: 10000 opens take about 10 s, and as many set-ups 20 s. Memory is
# only measured without sanitizers.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sound.sh"

rounds=${LEAK_ROUNDS:-1000}

host_start
SOUND_OUT=$HOST_DIR
sound_alsa_conf >"$HOST_DIR/alsa.conf"
SOUND_ENV=(env "ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf")
host_guest 7
host_card 0 short-name=Test "sample-rates=44100,48000" sample-formats=s16_le channels-max=2 buffer-size=65536 \
	0/0/type=p 0/0/unique-id=null 0/1/type=c 0/1/unique-id=null 1/0/type=p 1/0/unique-id=null \
	1/1/type=c 1/1/unique-id=null
sound_backend_start

# many WORDS...: a program of its own
many()
{
	as_guest timeout 120 "${SOUND_ENV[@]}" "$BUILD/tests/host/leak-test" -n "'$BUILD/tests/host/xennodes' --ctl counts" "$@" ||
		HOST_FAILED=$((HOST_FAILED + 1))
}

many open "$((rounds / 50))"
many -K xenhw:0,1 open "$rounds"
many -c -K xenhw:0,1 open "$((rounds / 5))"
many hw_params "$rounds"
many -c hw_params "$((rounds / 5))"

sound_end
[ "$HOST_FAILED" = 0 ]
